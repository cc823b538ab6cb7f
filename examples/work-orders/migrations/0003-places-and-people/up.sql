CREATE TABLE "meter_readings" (
	"organization_id" uuid,
	"id" uuid,
	"meter_id" uuid NOT NULL,
	"value" double precision NOT NULL,
	"read_at" timestamp with time zone DEFAULT now() NOT NULL,
	"reader_id" uuid NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "meter_readings_pkey" PRIMARY KEY("organization_id","id"),
	CONSTRAINT "meter_readings_organization_id_meter_id_read_at_unique" UNIQUE("organization_id","meter_id","read_at")
);

CREATE TABLE "meters" (
	"organization_id" uuid,
	"id" uuid,
	"asset_id" uuid NOT NULL,
	"name" text NOT NULL,
	"unit" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "meters_pkey" PRIMARY KEY("organization_id","id"),
	CONSTRAINT "meters_organization_id_asset_id_name_unique" UNIQUE("organization_id","asset_id","name")
);

CREATE TABLE "schedules" (
	"organization_id" uuid,
	"id" uuid,
	"asset_id" uuid NOT NULL,
	"title" text NOT NULL,
	"interval_days" integer NOT NULL,
	"next_due_on" date NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"deleted_at" timestamp with time zone,
	CONSTRAINT "schedules_pkey" PRIMARY KEY("organization_id","id"),
	CONSTRAINT "schedules_interval" CHECK ("interval_days" between 1 and 3650)
);

CREATE TABLE "skills" (
	"organization_id" uuid,
	"id" uuid,
	"name" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "skills_pkey" PRIMARY KEY("organization_id","id"),
	CONSTRAINT "skills_organization_id_name_unique" UNIQUE("organization_id","name")
);

CREATE TABLE "user_skills" (
	"organization_id" uuid,
	"id" uuid,
	"user_id" uuid NOT NULL,
	"skill_id" uuid NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "user_skills_pkey" PRIMARY KEY("organization_id","id"),
	CONSTRAINT "user_skills_organization_id_user_id_skill_id_unique" UNIQUE("organization_id","user_id","skill_id")
);

ALTER TABLE "assets" ADD COLUMN "parent_id" uuid;

ALTER TABLE "sites" ADD COLUMN "latitude" double precision;

ALTER TABLE "sites" ADD COLUMN "longitude" double precision;

CREATE INDEX "assets_organization_id_parent_id_id_index" ON "assets" ("organization_id","parent_id","id");

CREATE INDEX "meter_readings_organization_id_meter_id_id_index" ON "meter_readings" ("organization_id","meter_id","id");

CREATE INDEX "meter_readings_organization_id_meter_id_read_at_id_index" ON "meter_readings" ("organization_id","meter_id","read_at" DESC NULLS LAST,"id" DESC NULLS LAST);

CREATE INDEX "meters_organization_id_asset_id_id_index" ON "meters" ("organization_id","asset_id","id");

CREATE INDEX "schedules_organization_id_asset_id_id_index" ON "schedules" ("organization_id","asset_id","id");

CREATE INDEX "schedules_organization_id_next_due_on_id_index" ON "schedules" ("organization_id","next_due_on","id");

CREATE INDEX "skills_organization_id_name_id_index" ON "skills" ("organization_id","name","id");

CREATE INDEX "user_skills_organization_id_skill_id_id_index" ON "user_skills" ("organization_id","skill_id","id");

CREATE INDEX "user_skills_organization_id_user_id_id_index" ON "user_skills" ("organization_id","user_id","id");

ALTER TABLE "assets" ADD CONSTRAINT "assets_organization_id_parent_id_assets_organization_id_id_fkey" FOREIGN KEY ("organization_id","parent_id") REFERENCES "assets"("organization_id","id");

ALTER TABLE "meter_readings" ADD CONSTRAINT "meter_readings_organization_id_organizations_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id");

ALTER TABLE "meter_readings" ADD CONSTRAINT "meter_readings_s17JSRowZL8W_fkey" FOREIGN KEY ("organization_id","meter_id") REFERENCES "meters"("organization_id","id");

ALTER TABLE "meter_readings" ADD CONSTRAINT "meter_readings_zDaFiLsdiNvg_fkey" FOREIGN KEY ("organization_id","reader_id") REFERENCES "users"("organization_id","id");

ALTER TABLE "meters" ADD CONSTRAINT "meters_organization_id_asset_id_assets_organization_id_id_fkey" FOREIGN KEY ("organization_id","asset_id") REFERENCES "assets"("organization_id","id");

ALTER TABLE "meters" ADD CONSTRAINT "meters_organization_id_organizations_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id");

ALTER TABLE "schedules" ADD CONSTRAINT "schedules_organization_id_organizations_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id");

ALTER TABLE "schedules" ADD CONSTRAINT "schedules_zN0GEvEdl59t_fkey" FOREIGN KEY ("organization_id","asset_id") REFERENCES "assets"("organization_id","id");

ALTER TABLE "skills" ADD CONSTRAINT "skills_organization_id_organizations_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id");

ALTER TABLE "user_skills" ADD CONSTRAINT "user_skills_03e3tvWNfqSF_fkey" FOREIGN KEY ("organization_id","user_id") REFERENCES "users"("organization_id","id");

ALTER TABLE "user_skills" ADD CONSTRAINT "user_skills_0ydgebPj6UpL_fkey" FOREIGN KEY ("organization_id","skill_id") REFERENCES "skills"("organization_id","id");

ALTER TABLE "user_skills" ADD CONSTRAINT "user_skills_organization_id_organizations_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id");

ALTER TABLE "assets" ADD CONSTRAINT "assets_not_their_own_part" CHECK ("parent_id" <> "id");

ALTER TABLE "sites" ADD CONSTRAINT "sites_latitude" CHECK ("latitude" between -90 and 90);

ALTER TABLE "sites" ADD CONSTRAINT "sites_longitude" CHECK ("longitude" between -180 and 180);

alter table "meter_readings" enable row level security;

alter table "meter_readings" force row level security;

create policy tenant_wall on "meter_readings"
  using ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid)
  with check ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid);

alter table "meters" enable row level security;

alter table "meters" force row level security;

create policy tenant_wall on "meters"
  using ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid)
  with check ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid);

alter table "schedules" enable row level security;

alter table "schedules" force row level security;

create policy tenant_wall on "schedules"
  using ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid)
  with check ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid);

alter table "skills" enable row level security;

alter table "skills" force row level security;

create policy tenant_wall on "skills"
  using ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid)
  with check ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid);

alter table "user_skills" enable row level security;

alter table "user_skills" force row level security;

create policy tenant_wall on "user_skills"
  using ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid)
  with check ("organization_id" = (select nullif(current_setting('backwright.tenant_id', true), ''))::uuid);
