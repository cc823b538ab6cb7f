// What an aggregate should answer, worked out in JavaScript over plain rows. Shares no code with
// the product on purpose: no SQL, BigInt for sums, the calendar of Intl for days.

/** Amounts in thousandths; instants as milliseconds since 1970, on a whole second. */
export interface Cost {
  readonly stage: string;
  readonly ownerId: string | null;
  readonly placeIsOpen: boolean | undefined;
  readonly isDeleted: boolean;
  readonly amount: bigint | null;
  readonly hours: number | null;
  readonly units: bigint | null;
  readonly spentAt: number | null;
  readonly day: string | null;
}

export interface Question {
  readonly groupBy: readonly string[];
  readonly timeZone: string;
  readonly filter:
    | { readonly field: "stage" | "hours" | "day"; readonly value: string }
    | undefined;
  readonly owner: string | undefined;
  readonly onlyOpenPlaces: boolean;
}

export interface Answer {
  readonly group: Readonly<Record<string, string | number | null>>;
  readonly count: number;
  readonly amounts: readonly bigint[];
  readonly hours: readonly number[];
  readonly units: readonly bigint[];
  readonly spent: readonly number[];
}

export function answersOf(costs: readonly Cost[], question: Question): readonly Answer[] {
  const groups = new Map<string, { group: Answer["group"]; members: Cost[] }>();
  if (question.groupBy.length === 0) groups.set("{}", { group: {}, members: [] });
  for (const cost of costs) {
    if (!isSeen(cost, question) || !passes(cost, question)) continue;
    const entries = question.groupBy.map((name) => [
      name,
      groupValue(cost, name, question.timeZone),
    ]);
    const group = Object.fromEntries(entries) as Answer["group"];
    const key = JSON.stringify(group);
    const known = groups.get(key) ?? { group, members: [] };
    known.members.push(cost);
    groups.set(key, known);
  }
  const present = <T>(values: readonly (T | null)[]): T[] => values.filter((one) => one !== null);
  return [...groups.values()].map(({ group, members }) => ({
    group,
    count: members.length,
    amounts: present(members.map((one) => one.amount)),
    hours: present(members.map((one) => one.hours)),
    units: present(members.map((one) => one.units)),
    spent: present(members.map((one) => one.spentAt)),
  }));
}

function isSeen(cost: Cost, { owner, onlyOpenPlaces }: Question): boolean {
  if (cost.isDeleted) return false;
  if (owner !== undefined && cost.ownerId !== owner) return false;
  return !onlyOpenPlaces || cost.placeIsOpen === true;
}

function passes(cost: Cost, { filter }: Question): boolean {
  return filter === undefined || String(cost[filter.field]) === filter.value;
}

function groupValue(cost: Cost, name: string, timeZone: string): string | number | null {
  const [field = "", bucket] = name.split(".");
  if (field === "stage" || field === "hours") return cost[field];
  const day = field === "day" ? cost.day : cost.spentAt && dayIn(cost.spentAt, timeZone);
  if (day === null || bucket === undefined) return day as string | null;
  return startOf(String(day), bucket);
}

function dayIn(at: number, timeZone: string): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" }).format(at);
}

/** The first day of the week (a Monday), month, quarter or year of a day. */
function startOf(day: string, bucket: string): string {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  const utc = (y: number, m: number, d: number): string =>
    new Date(Date.UTC(y, m - 1, d)).toISOString().slice(0, 10);
  switch (bucket) {
    case "week":
      return utc(year, month, date - ((new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7));
    case "month":
      return utc(year, month, 1);
    case "quarter":
      return utc(year, Math.floor((month - 1) / 3) * 3 + 1, 1);
    case "year":
      return utc(year, 1, 1);
    default:
      return day;
  }
}
