// A policy's row condition in words that stand close to its declaration, for people to read.
import type { Comparison, Operand, Predicate } from "./model.ts";

const SIGNS: Readonly<Record<Comparison, string>> = {
  eq: "=",
  ne: "≠",
  lt: "<",
  lte: "≤",
  gt: ">",
  gte: "≥",
};

/** `assigneeId = me.id or site.isPublic = true` */
export function predicateText(predicate: Predicate): string {
  return write(predicate, "");
}

/** `at` is the way to the record that is spoken of: "site.", or "" for the record itself. */
function write(predicate: Predicate, at: string): string {
  switch (predicate.kind) {
    case "everything":
      return "all rows";
    case "all":
      return predicate.of.map((part) => inBrackets(part, at)).join(" and ") || "all rows";
    case "any":
      return predicate.of.map((part) => inBrackets(part, at)).join(" or ") || "no rows";
    case "not":
      return `not (${write(predicate.of, at)})`;
    case "isNull":
      return `${at}${predicate.field.name} is ${predicate.isNull ? "" : "not "}null`;
    case "compare": {
      const { field, operator, value } = predicate;
      return `${at}${field.name} ${SIGNS[operator]} ${operandText(value)}`;
    }
    case "match": {
      const { field, operator, value } = predicate;
      return `${at}${field.name} ${operator} ${operandText(value)}`;
    }
    case "in":
      return `${at}${predicate.field.name} in ${listText(predicate.values)}`;
    case "related":
      return write(predicate.where, `${at}${predicate.relation.name}.`);
  }
}

function inBrackets(predicate: Predicate, at: string): string {
  const isJoined =
    (predicate.kind === "all" || predicate.kind === "any") && predicate.of.length > 1;
  return isJoined ? `(${write(predicate, at)})` : write(predicate, at);
}

function listText(values: Extract<Predicate, { kind: "in" }>["values"]): string {
  if ("kind" in values) return `me.${values.claim}`;
  return `(${values.map(operandText).join(", ")})`;
}

export function operandText(operand: Operand): string {
  if (operand.kind === "claim") return `me.${operand.claim}`;
  const { text } = operand;
  if (text === null || /^(?:true|false|-?\d+(?:\.\d+)?)$/.test(text)) return String(text);
  return JSON.stringify(text);
}
