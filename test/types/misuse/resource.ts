import { backend, resource } from "../app/domain.ts";
import { assets } from "../app/resources.ts";

const scope = "tenant";
const access = {};

// Mistake: a misspelt table.
resource("workOrder", { scope, access });

// Mistake: no scope.
resource("workOrders", { access });

// Mistake: an unknown scope.
resource("workOrders", { scope: "tenants", access });

// Mistake: no access.
resource("workOrders", { scope });

// Mistake: a misspelt option.
resource("workOrders", { scope, access, hiden: ["title"] });

// Mistake: a misspelt hidden field.
resource("users", { scope, access, hidden: ["pasword"] });

// Mistake: a column without states.
resource("workOrders", { scope, access, states: { title: {} } });

// Mistake: a misspelt state column.
resource("workOrders", { scope, access, states: { statuz: {} } });

// Mistake: states left out.
resource("workOrders", { scope, access, states: { status: { open: ["done"], done: [] } } });

// Mistake: a state too many.
resource("workOrders", {
  scope,
  access,
  states: {
    status: { open: [], assigned: [], in_progress: [], done: [], cancelled: [], closed: [] },
  },
});

// Mistake: a transition into a state that does not exist.
resource("workOrders", {
  scope,
  access,
  states: {
    status: { open: ["cancled"], assigned: [], in_progress: [], done: [], cancelled: [] },
  },
});

// Mistake: a misspelt field to group by.
resource("workOrders", { scope, access, aggregates: { groupBy: ["status", "titel"] } });

// Mistake: a misspelt figure.
resource("workOrders", { scope, access, aggregates: { summ: ["version"] } });

// Mistake: a misspelt field that is deprecated.
resource("workOrders", {
  scope,
  access,
  deprecated: { fields: { titel: { since: "2027-01-31" } } },
});

// Mistake: a misspelt operation that is deprecated.
resource("assets", {
  scope,
  access,
  deprecated: { operations: { erase: { since: "2027-01-31" } } },
});

// Mistake: a misspelt field in an older version.
backend({
  name: "work-orders",
  resources: { assets },
  versions: { v1: { resources: { assets: { omit: ["serial"] } } }, v2: {} },
});

// Mistake: a resource that there is not in an older version.
backend({
  name: "work-orders",
  resources: { assets },
  versions: { v1: { resources: { asets: false } }, v2: {} },
});

// Mistake: a resource under another name.
backend({ name: "work-orders", resources: { things: assets } });

// Mistake: options instead of a resource.
backend({ name: "work-orders", resources: { users: { scope, access } } });

// Mistake: a backend without a name.
backend({ resources: { assets } });
