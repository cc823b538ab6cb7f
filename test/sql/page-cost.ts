// The bound on what a page may cost, measured on PostgreSQL's own account of a statement.
import type { Measured } from "./explain.ts";

/** LIMIT: rows that the scans of tables may read for each row of the page. */
const READ_PER_ROW_MAX = 20;
export const PAGE_ROWS = 26;

/** What is wrong with the way in which PostgreSQL runs a statement. */
export function faults({ returned, read, pages, scans, sorted, wholeScans }: Measured): string[] {
  const found: string[] = [...wholeScans];
  const readMax = READ_PER_ROW_MAX * Math.max(returned, 1);
  if (read > readMax) found.push(`reads ${read} rows for ${returned}`);
  // Entries that an index steps over are in no count of rows, but their pages are.
  const pagesMax = 10 + 5 * scans + 1.5 * read;
  if (pages > pagesMax) found.push(`looks at ${pages} pages for ${read} rows in ${scans} scans`);
  if (sorted > PAGE_ROWS * Math.max(scans, 1)) found.push(`sorts ${sorted} rows`);
  return found;
}
