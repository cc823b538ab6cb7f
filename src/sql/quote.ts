// Writes names and constants into SQL text so that PostgreSQL reads them back unchanged.
// Only for places that take no parameter (DDL, policies, generated files). A caller's values in
// queries are bound parameters, never text from here.

/** Quotes a name (table, column, role …). Throws a TypeError for an empty name or one with NUL. */
export function quoteIdentifier(name: string): string {
  if (name === "" || name.includes("\0")) {
    throw new TypeError(`Not a PostgreSQL identifier: ${JSON.stringify(name)}`);
  }
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * Quotes a text constant, whatever `standard_conforming_strings` says: a backslash switches to
 * the E'' form. Throws a TypeError for NUL, which PostgreSQL text cannot hold.
 */
export function quoteLiteral(value: string): string {
  if (value.includes("\0")) throw new TypeError("PostgreSQL text cannot hold the character NUL");
  const doubled = value.replaceAll("'", "''");
  return doubled.includes("\\") ? `E'${doubled.replaceAll("\\", "\\\\")}'` : `'${doubled}'`;
}

/** Quotes `schema.name`; without a schema the name alone, which follows the search path. */
export function quoteQualified(schema: string | null, name: string): string {
  return schema === null
    ? quoteIdentifier(name)
    : `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}
