// Local times of a file as instants, held against PostgreSQL's time zones and, where clocks change,
// against instants written down by hand.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSession, type Session } from "../../src/database/session.ts";
import { localTimeReader } from "../../src/transfer/local-time.ts";
import { testAdminUrl } from "../support/postgres.ts";

const toInstant = localTimeReader("M/d/yyyy hh:mm:ss a", "America/New_York");

let session: Session;
beforeAll(async () => {
  session = await openSession(testAdminUrl());
});
afterAll(() => session?.close());

describe("the local times of New York", () => {
  // Planted faults: always the offset of the day before; the later one where both hold -> red.
  test("become the instants that PostgreSQL's own time zones say", async () => {
    const text = `select to_char(t, 'MM/DD/YYYY HH12:MI:SS AM') as written,
        to_char(t at time zone 'America/New_York' at time zone 'UTC',
          'YYYY-MM-DD"T"HH24:MI:SS".000Z"') as instant
      from generate_series(timestamp '1995-01-01 00:00:07', '2035-12-31', '13 hours 7 minutes') t
      where (t at time zone 'America/New_York') at time zone 'America/New_York' = t
        and (t + interval '1 hour') at time zone 'America/New_York'
          = (t at time zone 'America/New_York') + interval '1 hour'
        and (t - interval '1 hour') at time zone 'America/New_York'
          = (t at time zone 'America/New_York') - interval '1 hour'`;
    const times = await session.query<{ written: string; instant: string }>(text);
    expect(times.length).toBeGreaterThan(25_000);
    const wrong = times.filter(({ written, instant }) => toInstant(written) !== instant);
    expect(wrong).toEqual([]);
  });

  test.each([
    ["the last second of winter", "03/10/2013 01:59:59 AM", "2013-03-10T06:59:59.000Z"],
    ["a skipped time", "03/10/2013 02:30:00 AM", "2013-03-10T07:30:00.000Z"],
    ["the first of summer", "03/10/2013 03:00:00 AM", "2013-03-10T07:00:00.000Z"],
    ["the first pass of an hour", "11/03/2013 01:00:00 AM", "2013-11-03T05:00:00.000Z"],
    ["the end of that pass", "11/03/2013 01:59:59 AM", "2013-11-03T05:59:59.000Z"],
    ["the hour after both passes", "11/03/2013 02:00:00 AM", "2013-11-03T07:00:00.000Z"],
    ["midnight", "12/25/2013 12:00:00 AM", "2013-12-25T05:00:00.000Z"],
    ["noon", "7/4/2013 12:00:00 PM", "2013-07-04T16:00:00.000Z"],
    ["a leap day", "02/29/2012 12:00:00 PM", "2012-02-29T17:00:00.000Z"],
    ["a day that is none", "02/29/2013 12:00:00 PM", undefined],
    ["an hour of the other clock", "12/25/2013 13:00:00 PM", undefined],
    ["the hour zero", "12/25/2013 00:30:00 AM", undefined],
    ["a minute too many", "12/25/2013 01:60:00 AM", undefined],
    ["the other order", "2013-12-25T01:00:00", undefined],
    ["a year of two digits", "12/25/0013 01:00:00 AM", undefined],
  ])("turn %s, %s, into %s", (_what, written, expected) => {
    expect(toInstant(written)).toBe(expected);
  });
});
