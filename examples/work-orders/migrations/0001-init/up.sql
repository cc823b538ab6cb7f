CREATE TABLE "assets" (
	"organization_id" uuid,
	"id" uuid,
	"site_id" uuid NOT NULL,
	"name" text NOT NULL,
	"serial_number" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "assets_pkey" PRIMARY KEY("organization_id","id")
);

CREATE TABLE "categories" (
	"organization_id" uuid,
	"id" uuid,
	"name" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "categories_pkey" PRIMARY KEY("organization_id","id"),
	CONSTRAINT "categories_organization_id_name_unique" UNIQUE("organization_id","name")
);

CREATE TABLE "organizations" (
	"id" uuid PRIMARY KEY,
	"name" text NOT NULL,
	"time_zone" text DEFAULT 'UTC' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL
);

CREATE TABLE "sites" (
	"organization_id" uuid,
	"id" uuid,
	"name" text NOT NULL,
	"address" text,
	"is_public" boolean DEFAULT false NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "sites_pkey" PRIMARY KEY("organization_id","id"),
	CONSTRAINT "sites_organization_id_name_unique" UNIQUE("organization_id","name")
);

CREATE TABLE "team_members" (
	"organization_id" uuid,
	"team_id" uuid,
	"user_id" uuid,
	CONSTRAINT "team_members_pkey" PRIMARY KEY("organization_id","team_id","user_id")
);

CREATE TABLE "teams" (
	"organization_id" uuid,
	"id" uuid,
	"name" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "teams_pkey" PRIMARY KEY("organization_id","id"),
	CONSTRAINT "teams_organization_id_name_unique" UNIQUE("organization_id","name")
);

CREATE TABLE "users" (
	"organization_id" uuid,
	"id" uuid,
	"name" text NOT NULL,
	"email" text NOT NULL,
	"phone" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "users_pkey" PRIMARY KEY("organization_id","id"),
	CONSTRAINT "users_organization_id_email_unique" UNIQUE("organization_id","email")
);

CREATE TABLE "work_orders" (
	"organization_id" uuid,
	"id" uuid,
	"external_id" text,
	"title" text NOT NULL,
	"description" text,
	"status" text DEFAULT 'open' NOT NULL,
	"priority" text DEFAULT 'normal' NOT NULL,
	"site_id" uuid NOT NULL,
	"asset_id" uuid,
	"category_id" uuid,
	"team_id" uuid,
	"assignee_id" uuid,
	"requester_id" uuid NOT NULL,
	"internal_notes" text,
	"reported_at" timestamp with time zone DEFAULT now() NOT NULL,
	"due_at" timestamp with time zone,
	"closed_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "work_orders_pkey" PRIMARY KEY("organization_id","id"),
	CONSTRAINT "work_orders_organization_id_external_id_unique" UNIQUE("organization_id","external_id"),
	CONSTRAINT "work_orders_priority_states" CHECK ("priority" in ('low', 'normal', 'high', 'urgent')),
	CONSTRAINT "work_orders_status_states" CHECK ("status" in ('open', 'assigned', 'in_progress', 'on_hold', 'done', 'cancelled'))
);

CREATE INDEX "assets_organization_id_name_id_index" ON "assets" ("organization_id","name","id");

CREATE INDEX "assets_organization_id_site_id_name_id_index" ON "assets" ("organization_id","site_id","name","id");

CREATE INDEX "categories_organization_id_name_id_index" ON "categories" ("organization_id","name","id");

CREATE INDEX "sites_organization_id_name_id_index" ON "sites" ("organization_id","name","id");

CREATE INDEX "team_members_organization_id_user_id_index" ON "team_members" ("organization_id","user_id");

CREATE INDEX "teams_organization_id_name_id_index" ON "teams" ("organization_id","name","id");

CREATE INDEX "users_organization_id_name_id_index" ON "users" ("organization_id","name","id");

CREATE INDEX "work_orders_organization_id_asset_id_id_index" ON "work_orders" ("organization_id","asset_id","id");

CREATE INDEX "work_orders_organization_id_assignee_id_due_at_id_index" ON "work_orders" ("organization_id","assignee_id","due_at" DESC NULLS LAST,"id" DESC NULLS LAST);

CREATE INDEX "work_orders_organization_id_category_id_id_index" ON "work_orders" ("organization_id","category_id","id");

CREATE INDEX "work_orders_organization_id_due_at_id_index" ON "work_orders" ("organization_id","due_at" DESC NULLS LAST,"id" DESC NULLS LAST);

CREATE INDEX "work_orders_organization_id_requester_id_id_index" ON "work_orders" ("organization_id","requester_id","id");

CREATE INDEX "work_orders_organization_id_site_id_id_index" ON "work_orders" ("organization_id","site_id","id");

CREATE INDEX "work_orders_organization_id_status_due_at_id_index" ON "work_orders" ("organization_id","status","due_at" DESC NULLS LAST,"id" DESC NULLS LAST);

CREATE INDEX "work_orders_organization_id_status_id_index" ON "work_orders" ("organization_id","status","id");

CREATE INDEX "work_orders_organization_id_team_id_id_index" ON "work_orders" ("organization_id","team_id","id");

ALTER TABLE "assets" ADD CONSTRAINT "assets_organization_id_organizations_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id");

ALTER TABLE "assets" ADD CONSTRAINT "assets_organization_id_site_id_sites_organization_id_id_fkey" FOREIGN KEY ("organization_id","site_id") REFERENCES "sites"("organization_id","id");

ALTER TABLE "categories" ADD CONSTRAINT "categories_organization_id_organizations_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id");

ALTER TABLE "sites" ADD CONSTRAINT "sites_organization_id_organizations_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id");

ALTER TABLE "team_members" ADD CONSTRAINT "team_members_2MeKn53K1eC2_fkey" FOREIGN KEY ("organization_id","user_id") REFERENCES "users"("organization_id","id");

ALTER TABLE "team_members" ADD CONSTRAINT "team_members_aBnMaQSKGZga_fkey" FOREIGN KEY ("organization_id","team_id") REFERENCES "teams"("organization_id","id");

ALTER TABLE "team_members" ADD CONSTRAINT "team_members_organization_id_organizations_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id");

ALTER TABLE "teams" ADD CONSTRAINT "teams_organization_id_organizations_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id");

ALTER TABLE "users" ADD CONSTRAINT "users_organization_id_organizations_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id");

ALTER TABLE "work_orders" ADD CONSTRAINT "work_orders_0vvEf6UskhCJ_fkey" FOREIGN KEY ("organization_id","category_id") REFERENCES "categories"("organization_id","id");

ALTER TABLE "work_orders" ADD CONSTRAINT "work_orders_5wXCr3P221yS_fkey" FOREIGN KEY ("organization_id","assignee_id") REFERENCES "users"("organization_id","id");

ALTER TABLE "work_orders" ADD CONSTRAINT "work_orders_Q34f0eR0gaJF_fkey" FOREIGN KEY ("organization_id","requester_id") REFERENCES "users"("organization_id","id");

ALTER TABLE "work_orders" ADD CONSTRAINT "work_orders_To3Eaz5pzBUu_fkey" FOREIGN KEY ("organization_id","site_id") REFERENCES "sites"("organization_id","id");

ALTER TABLE "work_orders" ADD CONSTRAINT "work_orders_organization_id_organizations_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id");

ALTER TABLE "work_orders" ADD CONSTRAINT "work_orders_r6yn95MlcOiW_fkey" FOREIGN KEY ("organization_id","team_id") REFERENCES "teams"("organization_id","id");

ALTER TABLE "work_orders" ADD CONSTRAINT "work_orders_xwdBLAAzYGTW_fkey" FOREIGN KEY ("organization_id","asset_id") REFERENCES "assets"("organization_id","id");

alter table "assets" enable row level security;

alter table "assets" force row level security;

create policy tenant_wall on "assets"
  using ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid)
  with check ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid);

alter table "categories" enable row level security;

alter table "categories" force row level security;

create policy tenant_wall on "categories"
  using ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid)
  with check ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid);

alter table "organizations" enable row level security;

alter table "organizations" force row level security;

create policy tenant_wall on "organizations"
  using ("id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid)
  with check ("id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid);

alter table "sites" enable row level security;

alter table "sites" force row level security;

create policy tenant_wall on "sites"
  using ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid)
  with check ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid);

alter table "team_members" enable row level security;

alter table "team_members" force row level security;

create policy tenant_wall on "team_members"
  using ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid)
  with check ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid);

alter table "teams" enable row level security;

alter table "teams" force row level security;

create policy tenant_wall on "teams"
  using ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid)
  with check ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid);

alter table "users" enable row level security;

alter table "users" force row level security;

create policy tenant_wall on "users"
  using ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid)
  with check ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid);

alter table "work_orders" enable row level security;

alter table "work_orders" force row level security;

create policy tenant_wall on "work_orders"
  using ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid)
  with check ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid);
