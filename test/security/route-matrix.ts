// Who is answered what on every route of the work-orders example, by hand: nothing here is computed
// from what it judges. A new route needs a row, or the test fails. Callers, in the order of the
// statuses: manager, dispatcher, technician, requester, viewer, a technician of no team, a manager
// of another tenant. Each asks for a fresh record that the first five may see where any row of the
// resource may be seen by them: a work order is assigned to the technician, asked for by the
// requester and at a public site. Whoever has no living key is answered 401 everywhere.
import { DETAILS } from "./route-matrix-details.ts";

export const CALLERS = [
  "manager",
  "dispatcher",
  "technician",
  "requester",
  "viewer",
  "a peer",
  "a foreign manager",
] as const;
export type Caller = (typeof CALLERS)[number];

/** Route → status of each caller. What is sent stands in authorization.test.ts. */
export const STATUSES: Readonly<Record<string, string>> = {
  "GET /openapi.json": "200 200 200 200 200 200 200",
  "GET /v1/openapi.json": "200 200 200 200 200 200 200",

  // A batch of one operation: work-orders.get.
  "POST /v1/batch": "200 200 200 200 200 404 404",

  "GET /v1/work-orders/aggregate": "200 200 200 200 200 200 200",
  "GET /v1/work-orders": "200 200 200 200 200 200 200",
  "GET /v1/work-orders/:id": "200 200 200 200 200 404 404",
  "POST /v1/work-orders": "201 201 403 201 403 403 201",
  "PUT /v1/work-orders": "201 201 403 403 403 403 201",
  "PATCH /v1/work-orders/:id": "200 200 200 403 403 404 404",
  "DELETE /v1/work-orders/:id": "204 403 403 403 403 403 404",
  "POST /v1/work-orders/bulk-create": "200 200 403 200 403 403 200",
  "POST /v1/work-orders/bulk-update": "200 200 200 403 403 404 404",
  "POST /v1/work-orders/bulk-delete": "200 403 403 403 403 403 404",
  "POST /v1/work-orders/:id/assign": "200 200 403 403 403 403 404",
  "POST /v1/work-orders/:id/prioritize": "200 200 403 403 403 403 404",
  "POST /v1/work-orders/:id/hold": "200 200 200 403 403 404 404",
  "POST /v1/work-orders/:id/cancel": "200 200 403 200 403 403 404",
  "POST /v1/work-orders/:id/reopen": "200 200 403 403 403 403 404",
  "POST /v1/work-orders/:id/start": "200 403 200 403 403 404 404",
  "POST /v1/work-orders/:id/complete": "200 403 200 403 403 404 404",

  "GET /v1/assets": "200 200 200 200 403 200 200",
  "GET /v1/assets/:id": "200 200 200 200 403 200 404",
  "POST /v1/assets": "201 403 403 403 403 403 201",
  "PUT /v1/assets": "400 403 403 403 403 403 400",
  "PATCH /v1/assets/:id": "200 403 200 403 403 200 404",
  "DELETE /v1/assets/:id": "204 403 403 403 403 403 404",
  "POST /v1/assets/bulk-create": "200 403 403 403 403 403 200",
  "POST /v1/assets/bulk-update": "200 403 200 403 403 200 404",
  "POST /v1/assets/bulk-delete": "200 403 403 403 403 403 404",

  "GET /v1/sites": "200 200 200 200 200 200 200",
  "GET /v1/sites/:id": "200 200 200 200 200 200 404",
  "POST /v1/sites": "201 201 403 403 403 403 201",
  "PUT /v1/sites": "201 403 403 403 403 403 201",
  "PATCH /v1/sites/:id": "200 403 403 403 403 403 404",
  "DELETE /v1/sites/:id": "204 403 403 403 403 403 404",
  "POST /v1/sites/bulk-create": "200 200 403 403 403 403 200",
  "POST /v1/sites/bulk-update": "200 403 403 403 403 403 404",
  "POST /v1/sites/bulk-delete": "200 403 403 403 403 403 404",

  "GET /v1/categories": "200 200 200 200 200 200 200",
  "GET /v1/categories/:id": "200 200 200 200 200 200 404",
  "POST /v1/categories": "201 201 403 403 403 403 201",
  "PUT /v1/categories": "201 403 403 403 403 403 201",
  "PATCH /v1/categories/:id": "200 403 403 403 403 403 404",
  "DELETE /v1/categories/:id": "204 403 403 403 403 403 404",
  "POST /v1/categories/bulk-create": "200 200 403 403 403 403 200",
  "POST /v1/categories/bulk-update": "200 403 403 403 403 403 404",
  "POST /v1/categories/bulk-delete": "200 403 403 403 403 403 404",

  "POST /v1/teams/:id/add-member": "200 403 403 403 403 403 404",
  "POST /v1/teams/:id/remove-member": "200 403 403 403 403 403 404",
  "GET /v1/teams": "200 200 200 403 403 200 200",
  "GET /v1/teams/:id": "200 200 200 403 403 200 404",
  "POST /v1/teams": "201 201 403 403 403 403 201",
  "PUT /v1/teams": "201 403 403 403 403 403 201",
  "PATCH /v1/teams/:id": "200 403 403 403 403 403 404",
  "DELETE /v1/teams/:id": "204 403 403 403 403 403 404",
  "POST /v1/teams/bulk-create": "200 200 403 403 403 403 200",
  "POST /v1/teams/bulk-update": "200 403 403 403 403 403 404",
  "POST /v1/teams/bulk-delete": "200 403 403 403 403 403 404",

  "GET /v1/users": "200 200 200 200 403 200 200",
  "GET /v1/users/:id": "200 200 200 404 403 200 404",
  "POST /v1/users": "201 403 403 403 403 403 201",
  "PUT /v1/users": "201 403 403 403 403 403 201",
  "PATCH /v1/users/:id": "200 403 403 404 403 403 404",
  "DELETE /v1/users/:id": "204 403 403 403 403 403 404",
  "POST /v1/users/bulk-create": "200 403 403 403 403 403 200",
  "POST /v1/users/bulk-update": "200 403 403 404 403 403 404",
  "POST /v1/users/bulk-delete": "200 403 403 403 403 403 404",

  ...DETAILS,
};
