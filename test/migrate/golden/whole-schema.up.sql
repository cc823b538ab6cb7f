CREATE SCHEMA "billing";

CREATE TABLE "billing"."invoices" (
	"organization_id" uuid,
	"id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"amount" numeric(14,2) NOT NULL,
	CONSTRAINT "invoices_pkey" PRIMARY KEY("organization_id","id")
);

CREATE TABLE "assets" (
	"organization_id" uuid,
	"id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"name" text NOT NULL,
	"site_id" uuid NOT NULL,
	"tags" text[] DEFAULT '{}'::text[] NOT NULL,
	"cost" numeric(12,2),
	"document" jsonb DEFAULT '{"unit":"it''s"}',
	"status" text DEFAULT 'active' NOT NULL,
	CONSTRAINT "assets_pkey" PRIMARY KEY("organization_id","id"),
	CONSTRAINT "assets_organization_id_name_unique" UNIQUE("organization_id","name"),
	CONSTRAINT "assets_status_states" CHECK ("status" in ('active', 'retired'))
);

CREATE TABLE "countries" (
	"code" text PRIMARY KEY,
	"name" text NOT NULL
);

CREATE TABLE "organizations" (
	"id" uuid PRIMARY KEY,
	"name" text NOT NULL
);

CREATE TABLE "sites" (
	"organization_id" uuid,
	"id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"name" text NOT NULL,
	"parent_id" uuid,
	"deleted_at" timestamp with time zone,
	CONSTRAINT "sites_pkey" PRIMARY KEY("organization_id","id")
);

CREATE INDEX "invoices_amount" ON "billing"."invoices" ("organization_id","amount");

CREATE INDEX "assets_organization_id_created_at_id_index" ON "assets" ("organization_id","created_at" DESC NULLS LAST,"id" DESC NULLS LAST);

CREATE UNIQUE INDEX "sites_name_live" ON "sites" ("organization_id","name") WHERE "deleted_at" is null;

ALTER TABLE "billing"."invoices" ADD CONSTRAINT "invoices_organization_id_organizations_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id");

ALTER TABLE "assets" ADD CONSTRAINT "assets_organization_id_organizations_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id");

ALTER TABLE "assets" ADD CONSTRAINT "assets_organization_id_site_id_sites_organization_id_id_fkey" FOREIGN KEY ("organization_id","site_id") REFERENCES "sites"("organization_id","id");

ALTER TABLE "sites" ADD CONSTRAINT "sites_organization_id_organizations_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id");

ALTER TABLE "sites" ADD CONSTRAINT "sites_organization_id_parent_id_sites_organization_id_id_fkey" FOREIGN KEY ("organization_id","parent_id") REFERENCES "sites"("organization_id","id");

alter table "billing"."invoices" enable row level security;

alter table "billing"."invoices" force row level security;

create policy tenant_wall on "billing"."invoices"
  using ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid)
  with check ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid);

alter table "assets" enable row level security;

alter table "assets" force row level security;

create policy tenant_wall on "assets"
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
