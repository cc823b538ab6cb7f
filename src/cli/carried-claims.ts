// The claims that a key carries, from `--claim name=value`: as the domain declares them, since the
// database would refuse every request of a key whose claim is of another type.
import { StartError } from "../base/errors.ts";
import { BUILT_IN_CLAIMS } from "../model/declare-claims.ts";
import { fieldType } from "../model/fields.ts";
import type { Model } from "../model/model.ts";

type Claims = Readonly<Record<string, string | readonly string[]>>;

/** Of a list each entry is given by itself. Throws StartError. */
export function carriedClaims(model: Model, given: readonly string[] = []): Claims {
  const carried = [...model.claims.values()].filter(
    ({ name, lookup }) => lookup === undefined && !Object.hasOwn(BUILT_IN_CLAIMS, name),
  );
  const claims: Record<string, string | string[]> = {};
  for (const text of given) {
    const [name = "", ...rest] = text.split("=");
    const claim = carried.find((one) => one.name === name);
    if (claim === undefined || rest.length === 0) {
      const names = carried.map((one) => `--claim ${one.name}=…`).join(", ");
      throw new StartError(`--claim: "${name}" is not a claim with a value.`, {
        fix: names === "" ? "Leave it out: no claim here is carried by keys." : `One of: ${names}`,
      });
    }
    const type = fieldType(claim.sql.replace("[]", ""), undefined);
    const value = type?.parse(rest.join("="));
    if (value === undefined) {
      throw new StartError(`--claim ${name} is not of the type ${claim.sql}.`, {
        fix: `--claim ${name}=${type?.example}`,
      });
    }
    const before = claims[name];
    if (claim.sql.endsWith("[]")) claims[name] = [before ?? [], value].flat();
    else if (before === undefined) claims[name] = value;
    else throw new StartError(`--claim ${name} is given twice.`, { fix: "Leave one of them out." });
  }
  return claims;
}
