ALTER TABLE "billing"."invoices" DROP CONSTRAINT "invoices_organization_id_organizations_id_fkey";

ALTER TABLE "assets" DROP CONSTRAINT "assets_organization_id_organizations_id_fkey";

ALTER TABLE "assets" DROP CONSTRAINT "assets_organization_id_site_id_sites_organization_id_id_fkey";

ALTER TABLE "sites" DROP CONSTRAINT "sites_organization_id_organizations_id_fkey";

-- destroys data
DROP TABLE "billing"."invoices";

-- destroys data
DROP TABLE "assets";

-- destroys data
DROP TABLE "countries";

-- destroys data
DROP TABLE "organizations";

-- destroys data
DROP TABLE "sites";

DROP SCHEMA "billing";
