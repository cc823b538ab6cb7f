CREATE TABLE "companies" (
	"id" uuid PRIMARY KEY,
	"name" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL
);

CREATE TABLE "tasks" (
	"company_id" uuid,
	"id" uuid,
	"title" text NOT NULL,
	"status" text DEFAULT 'open' NOT NULL,
	"created_by" uuid NOT NULL,
	"due_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "tasks_pkey" PRIMARY KEY("company_id","id"),
	CONSTRAINT "tasks_status_states" CHECK ("status" in ('open', 'done'))
);

CREATE INDEX "tasks_company_id_due_at_id_index" ON "tasks" ("company_id","due_at","id");

CREATE INDEX "tasks_company_id_status_id_index" ON "tasks" ("company_id","status","id");

ALTER TABLE "tasks" ADD CONSTRAINT "tasks_company_id_companies_id_fkey" FOREIGN KEY ("company_id") REFERENCES "companies"("id");

alter table "companies" enable row level security;

alter table "companies" force row level security;

create policy tenant_wall on "companies"
  using ("id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid)
  with check ("id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid);

alter table "tasks" enable row level security;

alter table "tasks" force row level security;

create policy tenant_wall on "tasks"
  using ("company_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid)
  with check ("company_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid);
