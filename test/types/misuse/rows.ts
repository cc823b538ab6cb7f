import { me, resource, rows } from "../app/domain.ts";

// Mistake: a misspelt column.
rows("workOrders", { asigneeId: me.id });

// Mistake: a misspelt relation.
rows("workOrders", { teamm: { name: "Heating" } });

// Mistake: a misspelt column of a related table.
rows("workOrders", { team: { nme: "Heating" } });

// Mistake: a misspelt column inside `or`.
rows("workOrders", { or: [{ titel: "Leak" }] });

// Mistake: a misspelt table.
rows("workOrder", {});

// Mistake: a misspelt column of a related table, by a relation to many.
rows("teams", { members: { idd: me.id } });

// Mistake: an unknown claim.
rows("workOrders", { assigneeId: me.userId });

// Mistake: a list of ids where one id is due.
rows("workOrders", { assigneeId: me.teamIds });

// Mistake: one id where a list is due.
rows("workOrders", { teamId: { in: me.id } });

// Mistake: a uuid claim for a text column.
rows("workOrders", { title: me.id });

// Mistake: a claim for a column that no claim fits.
rows("workOrders", { dueAt: { lt: me.region } });

// Mistake: a state that the column does not have.
rows("workOrders", { status: "opn" });

// Mistake: a state that the column does not have, in a list.
rows("workOrders", { status: { in: ["open", "don"] } });

// Mistake: a text where an instant is due.
rows("workOrders", { dueAt: { lt: "tomorrow" } });

// Mistake: a text where a number is due.
rows("workOrders", { version: "1" });

// Mistake: null instead of isNull.
rows("workOrders", { assigneeId: null });

// Mistake: an unknown operator.
rows("workOrders", { dueAt: { lessThan: new Date(0) } });

// Mistake: an operator of SQL that policies do not have.
rows("workOrders", { title: { similarTo: "Leak%" } });

// Mistake: `and` with one filter instead of a list.
rows("workOrders", { and: { title: "Leak" } });

// Mistake: JSON compared with a value.
rows("assets", { attributes: { eq: { floor: 1 } } });

// Mistake: rows of another table.
resource("workOrders", {
  scope: "tenant",
  access: { technician: { read: { rows: rows("users", { id: me.id }) } } },
});
