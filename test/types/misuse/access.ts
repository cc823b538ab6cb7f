import { me, resource } from "../app/domain.ts";

const scope = "tenant";

// Mistake: a misspelt role.
resource("workOrders", { scope, access: { tecnician: "all" } });

// Mistake: a misspelt "all".
resource("workOrders", { scope, access: { technician: "al" } });

// Mistake: an unknown verb.
resource("workOrders", { scope, access: { technician: { list: true } } });

// Mistake: a verb refused in words, where leaving it out is the way.
resource("workOrders", { scope, access: { technician: { read: false } } });

// Mistake: a misspelt field in a grant.
resource("workOrders", { scope, access: { technician: { read: { fields: ["statuss"] } } } });

// Mistake: a misspelt word of a grant.
resource("workOrders", { scope, access: { technician: { read: { row: {} } } } });

// Mistake: fields as one text.
resource("workOrders", { scope, access: { technician: { read: { fields: "title" } } } });

// Mistake: a misspelt column in the rows of a grant.
resource("workOrders", {
  scope,
  access: { technician: { update: { rows: { asigneeId: me.id } } } },
});

// Mistake: a misspelt forced field.
resource("workOrders", {
  scope,
  access: { requester: { create: { set: { requestrId: me.id } } } },
});

// Mistake: a forced field of another type.
resource("workOrders", {
  scope,
  access: { requester: { create: { set: { requesterId: me.teamIds } } } },
});

// Mistake: a forced state that does not exist.
resource("workOrders", { scope, access: { requester: { create: { set: { status: "opn" } } } } });

// Mistake: forced values on update, which only create has.
resource("workOrders", { scope, access: { technician: { update: { set: { title: "x" } } } } });

// Mistake: `after` on create, which only update has.
resource("workOrders", { scope, access: { requester: { create: { after: {} } } } });

// Mistake: a misspelt state in what must hold after an update.
resource("workOrders", {
  scope,
  access: { technician: { update: { after: { status: { in: ["asigned"] } } } } },
});
