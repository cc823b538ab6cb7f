CREATE TABLE "checklist_items" (
	"organization_id" uuid,
	"id" uuid,
	"work_order_id" uuid NOT NULL,
	"position" integer NOT NULL,
	"text" text NOT NULL,
	"is_done" boolean DEFAULT false NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "checklist_items_pkey" PRIMARY KEY("organization_id","id")
);

CREATE TABLE "comments" (
	"organization_id" uuid,
	"id" uuid,
	"work_order_id" uuid NOT NULL,
	"author_id" uuid NOT NULL,
	"body" text NOT NULL,
	"is_internal" boolean DEFAULT false NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"deleted_at" timestamp with time zone,
	CONSTRAINT "comments_pkey" PRIMARY KEY("organization_id","id")
);

CREATE TABLE "parts" (
	"organization_id" uuid,
	"id" uuid,
	"sku" text NOT NULL,
	"name" text NOT NULL,
	"stock" integer DEFAULT 0 NOT NULL,
	"unit_cost" numeric(12,2) DEFAULT '0' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "parts_pkey" PRIMARY KEY("organization_id","id"),
	CONSTRAINT "parts_organization_id_sku_unique" UNIQUE("organization_id","sku"),
	CONSTRAINT "parts_stock_not_negative" CHECK ("stock" >= 0)
);

CREATE TABLE "parts_used" (
	"organization_id" uuid,
	"id" uuid,
	"work_order_id" uuid NOT NULL,
	"part_id" uuid NOT NULL,
	"quantity" integer NOT NULL,
	"taken" integer DEFAULT 0 NOT NULL,
	"unit_cost" numeric(12,2) DEFAULT '0' NOT NULL,
	"cost" numeric(14,2) GENERATED ALWAYS AS (taken * unit_cost) STORED,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "parts_used_pkey" PRIMARY KEY("organization_id","id"),
	CONSTRAINT "parts_used_organization_id_work_order_id_part_id_unique" UNIQUE("organization_id","work_order_id","part_id"),
	CONSTRAINT "parts_used_quantity" CHECK ("quantity" between 0 and 100000)
);

ALTER TABLE "work_orders" ADD COLUMN "location" text;

ALTER TABLE "work_orders" ADD COLUMN "skill_id" uuid;

ALTER TABLE "work_orders" ADD COLUMN "reason" text;

ALTER TABLE "work_orders" ADD COLUMN "held_at" timestamp with time zone;

CREATE INDEX "checklist_items_organization_id_work_order_id_id_index" ON "checklist_items" ("organization_id","work_order_id","id");

CREATE INDEX "checklist_items_organization_id_work_order_id_position_id_index" ON "checklist_items" ("organization_id","work_order_id","position","id");

CREATE INDEX "comments_organization_id_author_id_id_index" ON "comments" ("organization_id","author_id","id");

CREATE INDEX "comments_organization_id_work_order_id_id_index" ON "comments" ("organization_id","work_order_id","id");

CREATE INDEX "parts_organization_id_name_id_index" ON "parts" ("organization_id","name","id");

CREATE INDEX "parts_organization_id_sku_id_index" ON "parts" ("organization_id","sku","id");

CREATE INDEX "parts_used_organization_id_part_id_id_index" ON "parts_used" ("organization_id","part_id","id");

CREATE INDEX "parts_used_organization_id_work_order_id_id_index" ON "parts_used" ("organization_id","work_order_id","id");

ALTER TABLE "checklist_items" ADD CONSTRAINT "checklist_items_NH5xbWMqbyYq_fkey" FOREIGN KEY ("organization_id","work_order_id") REFERENCES "work_orders"("organization_id","id");

ALTER TABLE "checklist_items" ADD CONSTRAINT "checklist_items_organization_id_organizations_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id");

ALTER TABLE "comments" ADD CONSTRAINT "comments_9sVxqiITdftN_fkey" FOREIGN KEY ("organization_id","author_id") REFERENCES "users"("organization_id","id");

ALTER TABLE "comments" ADD CONSTRAINT "comments_mYsjbHacqs6F_fkey" FOREIGN KEY ("organization_id","work_order_id") REFERENCES "work_orders"("organization_id","id");

ALTER TABLE "comments" ADD CONSTRAINT "comments_organization_id_organizations_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id");

ALTER TABLE "parts" ADD CONSTRAINT "parts_organization_id_organizations_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id");

ALTER TABLE "parts_used" ADD CONSTRAINT "parts_used_V4xDYa78o5pD_fkey" FOREIGN KEY ("organization_id","work_order_id") REFERENCES "work_orders"("organization_id","id");

ALTER TABLE "parts_used" ADD CONSTRAINT "parts_used_organization_id_organizations_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id");

ALTER TABLE "parts_used" ADD CONSTRAINT "parts_used_qnNZafGST6GL_fkey" FOREIGN KEY ("organization_id","part_id") REFERENCES "parts"("organization_id","id");

ALTER TABLE "work_orders" ADD CONSTRAINT "work_orders_0yeGSPr1AfMW_fkey" FOREIGN KEY ("organization_id","skill_id") REFERENCES "skills"("organization_id","id");

alter table "checklist_items" enable row level security;

alter table "checklist_items" force row level security;

create policy tenant_wall on "checklist_items"
  using ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid)
  with check ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid);

alter table "comments" enable row level security;

alter table "comments" force row level security;

create policy tenant_wall on "comments"
  using ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid)
  with check ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid);

alter table "parts" enable row level security;

alter table "parts" force row level security;

create policy tenant_wall on "parts"
  using ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid)
  with check ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid);

alter table "parts_used" enable row level security;

alter table "parts_used" force row level security;

create policy tenant_wall on "parts_used"
  using ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid)
  with check ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid);
