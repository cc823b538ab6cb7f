// Which cards a list should hold and in which order, worked out in JavaScript over plain rows.
// Shares no code with the product on purpose: it knows neither indexes nor SQL.

/** A card as the API shows it. */
export interface Card {
  readonly id: string;
  readonly lane: string;
  readonly stage: string;
  readonly points: number;
  readonly rank: number | null;
  /** UTC with six digits of a second, so that the order of texts is that of instants. */
  readonly dueAt: string | null;
}

export interface CardQuestion {
  readonly filters: readonly {
    readonly field: keyof Card & string;
    readonly operator: string;
    readonly value: string;
  }[];
  readonly sort: string;
}

/** SQL's logic: a null satisfies no comparison, `ne` and `nin` included. */
export function satisfiesCard(card: Card, { filters }: CardQuestion): boolean {
  return filters.every(({ field, operator, value }) => {
    const own = card[field];
    if (operator === "isNull") return (own === null) === (value === "true");
    if (own === null) return false;
    const others = value.split(",").map((one) => (typeof own === "number" ? Number(one) : one));
    const [other = ""] = others;
    switch (operator) {
      case "eq":
        return own === other;
      case "ne":
        return own !== other;
      case "lt":
        return own < other;
      case "gte":
        return own >= other;
      case "in":
        return others.includes(own);
      case "nin":
        return !others.includes(own);
      default:
        throw new Error(`the oracle does not know ${operator}`);
    }
  });
}

/** Negative when `a` comes before `b`. A null is smaller than any value; `id` decides ties. */
export function compareCards(a: Card, b: Card, sort: string): number {
  let sign = 1;
  for (const key of [...sort.split(","), "id"]) {
    const isLastId = key === "id" && !sort.endsWith("id");
    const field = key.replace("-", "") as keyof Card;
    // The id goes on in the direction of the last key.
    if (!isLastId) sign = key.startsWith("-") ? -1 : 1;
    const order = compareValues(a[field], b[field]);
    if (order !== 0) return sign * order;
  }
  return 0;
}

function compareValues(a: string | number | null, b: string | number | null): number {
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  return a < b ? -1 : 1;
}
