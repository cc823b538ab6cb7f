ALTER TABLE "assets" DROP CONSTRAINT "assets_organization_id_organizations_id_fkey";

ALTER TABLE "assets" DROP CONSTRAINT "assets_organization_id_site_id_sites_organization_id_id_fkey";

ALTER TABLE "categories" DROP CONSTRAINT "categories_organization_id_organizations_id_fkey";

ALTER TABLE "sites" DROP CONSTRAINT "sites_organization_id_organizations_id_fkey";

ALTER TABLE "team_members" DROP CONSTRAINT "team_members_2MeKn53K1eC2_fkey";

ALTER TABLE "team_members" DROP CONSTRAINT "team_members_aBnMaQSKGZga_fkey";

ALTER TABLE "team_members" DROP CONSTRAINT "team_members_organization_id_organizations_id_fkey";

ALTER TABLE "teams" DROP CONSTRAINT "teams_organization_id_organizations_id_fkey";

ALTER TABLE "users" DROP CONSTRAINT "users_organization_id_organizations_id_fkey";

ALTER TABLE "work_orders" DROP CONSTRAINT "work_orders_0vvEf6UskhCJ_fkey";

ALTER TABLE "work_orders" DROP CONSTRAINT "work_orders_5wXCr3P221yS_fkey";

ALTER TABLE "work_orders" DROP CONSTRAINT "work_orders_Q34f0eR0gaJF_fkey";

ALTER TABLE "work_orders" DROP CONSTRAINT "work_orders_To3Eaz5pzBUu_fkey";

ALTER TABLE "work_orders" DROP CONSTRAINT "work_orders_organization_id_organizations_id_fkey";

ALTER TABLE "work_orders" DROP CONSTRAINT "work_orders_r6yn95MlcOiW_fkey";

ALTER TABLE "work_orders" DROP CONSTRAINT "work_orders_xwdBLAAzYGTW_fkey";

-- destroys data
DROP TABLE "assets";

-- destroys data
DROP TABLE "categories";

-- destroys data
DROP TABLE "organizations";

-- destroys data
DROP TABLE "sites";

-- destroys data
DROP TABLE "team_members";

-- destroys data
DROP TABLE "teams";

-- destroys data
DROP TABLE "users";

-- destroys data
DROP TABLE "work_orders";
