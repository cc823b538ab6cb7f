// Connection addresses as text: puts logins and database names into them. Opens nothing.

import { StartError } from "../base/errors.ts";

export interface AddressParts {
  readonly user?: string;
  readonly password?: string;
  readonly database: string;
}

/**
 * The address of another database, and of another login if given, on the server of `url`. The rest
 * of it (host, port, parameters) stays. Throws StartError for an address that is none, and for a
 * database name that no address can carry (with ? or #, or "." and ".." between slashes).
 */
export function addressWith(url: string, parts: AddressParts): string {
  // pg takes an address with a login and no host (the socket stands in the query); URL does not.
  const text = url.replace("@/", "@localhost/");
  if (!URL.canParse(text)) {
    // The address itself is left out: it holds a password.
    throw new StartError("The database address is not a URL.", {
      fix: "Write it as postgres://user:password@host:5432/database.",
    });
  }
  const address = new URL(text);
  // Encoded as pg decodes them: the login by components, the path as a whole. In a path ? and #
  // have no escape that decodeURI takes back, and URL resolves dots.
  if (parts.user !== undefined) address.username = encodeURIComponent(parts.user);
  if (parts.password !== undefined) address.password = encodeURIComponent(parts.password);
  address.pathname = `/${encodeURI(parts.database)}`;
  if (/[?#]/.test(parts.database) || decodeURI(address.pathname) !== `/${parts.database}`) {
    throw new StartError(`A database address cannot carry the name "${parts.database}".`, {
      fix: "Choose a database name of letters, digits and underscores.",
    });
  }
  return address.href;
}
