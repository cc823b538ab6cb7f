// How records lead to each other. Names given here are the names in `include` and in policies.
import { attached } from "./relations/attached.ts";
import { people } from "./relations/people.ts";
import { places } from "./relations/places.ts";
import { work } from "./relations/work.ts";

export const relations = { ...people, ...places, ...work, ...attached };
