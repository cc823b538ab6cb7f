// What PostgreSQL sends arrives in pieces that end anywhere, and what we send may be of any size.
import { afterAll, beforeAll, expect, test } from "vitest";
import { Database } from "../../src/database/database.ts";
import { RowStream } from "../../src/database/row-stream.ts";
import { Parameters } from "../../src/sql/statement.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";

let postgres: TestDatabase;
let database: Database;
beforeAll(async () => {
  postgres = await createTestDatabase("row_stream");
  database = await Database.open({
    url: postgres.appUrl,
    applicationName: "row stream",
    readConnections: 1,
    writeConnections: 1,
    statementTimeoutMs: 10_000,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  });
});
afterAll(async () => {
  await database?.close();
  await postgres?.drop();
});

function message(code: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5, code);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function row(...values: readonly (string | null)[]): Buffer {
  const columns = values.flatMap((value) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(value === null ? -1 : Buffer.byteLength(value));
    return value === null ? [length] : [length, Buffer.from(value)];
  });
  return message("D", Buffer.concat([Buffer.from([0, values.length]), ...columns]));
}

// Planted: its length read as a negative number -> the loop never ends.
test("a length that is none does not hold the process up", () => {
  const stream = new RowStream(
    () => undefined,
    () => undefined,
  );
  stream.take(Buffer.alloc(64, 0xff));
});

const SENT = [
  message("2", Buffer.alloc(0)),
  row("a", null, ""),
  row("é".repeat(40), "D".repeat(9), "x"),
  message("C", Buffer.from("SELECT 2\0")),
  message("2", Buffer.alloc(0)),
  message("C", Buffer.from("SELECT 0\0")),
  row("last", "1", "2"),
  message("Z", Buffer.from("I")),
];

/** What is told of it, in order: rows by their values, the rest by its bytes. */
function told(pieces: readonly Buffer[]): readonly string[] {
  const all: string[] = [];
  let rest = "";
  const flush = (): void => {
    if (rest !== "") all.push(rest);
    rest = "";
  };
  const stream = new RowStream(
    (chunk) => {
      rest += chunk.toString("latin1");
    },
    ({ fields }) => {
      flush();
      all.push(JSON.stringify(fields));
    },
  );
  for (const piece of pieces) stream.take(piece);
  flush();
  return all;
}

// Planted: a piece of a message that goes on before it is whole -> red at every cut within a row;
// a message whose length is not known yet taken for an empty one -> red at cuts within a head.
test("rows and other messages come whole and in order wherever the pieces end", () => {
  const bytes = Buffer.concat(SENT);
  const whole = told([bytes]);
  expect(whole).toHaveLength(6);
  expect(whole.at(-2)).toBe('["last","1","2"]');
  for (let at = 1; at < bytes.length; at += 1) {
    expect(told([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
  }
  expect(told([...bytes].map((byte) => Buffer.from([byte])))).toEqual(whole);
});

// Planted: room for a byte for each character -> the second value begins within the first, red.
test("values of any size and script go there and come back", async () => {
  const parameters = new Parameters();
  const inputs = ["", "ä€😀".repeat(30_000), "x".repeat(100_000), null, "after"];
  const columns = inputs.map((_, at) => parameters.input(at, "text")).join(", ");
  const echo = parameters.statement(`select ${columns}`);
  for (let time = 0; time < 3; time += 1) {
    expect(await database.read(echo, { claims: {} }, inputs)).toEqual([inputs]);
  }
  const several = Array.from({ length: 20 }, () => database.read(echo, { claims: {} }, inputs));
  for (const rows of await Promise.all(several)) expect(rows).toEqual([inputs]);
});

// Planted: no messages.clear() -> the next statement is sent behind the half one, red; the error
// thrown into pg -> a connection that takes one at a time takes none any more, red.
test.each(["read", "write"] as const)(
  "a %s that cannot be sent leaves nothing in the way of the next",
  async (way) => {
    const parameters = new Parameters();
    const echo = parameters.statement(`select ${parameters.input(0, "text")}`);
    const none = { toString: () => "no text" } as unknown as string;
    const send = (value: string) => database[way](echo, { claims: {} }, [value]);
    for (const value of ["not named yet", "named", "used again"]) {
      await expect(send(none)).rejects.toThrow("cannot be sent");
      expect(await send(value)).toEqual([[value]]);
    }
  },
);
