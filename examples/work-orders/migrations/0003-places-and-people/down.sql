ALTER TABLE "assets" DROP CONSTRAINT "assets_organization_id_parent_id_assets_organization_id_id_fkey";

ALTER TABLE "meter_readings" DROP CONSTRAINT "meter_readings_s17JSRowZL8W_fkey";

ALTER TABLE "user_skills" DROP CONSTRAINT "user_skills_0ydgebPj6UpL_fkey";

-- destroys data
DROP TABLE "meter_readings";

-- destroys data
DROP TABLE "meters";

-- destroys data
DROP TABLE "schedules";

-- destroys data
DROP TABLE "skills";

-- destroys data
DROP TABLE "user_skills";

ALTER TABLE "assets" DROP CONSTRAINT "assets_not_their_own_part";

ALTER TABLE "sites" DROP CONSTRAINT "sites_latitude";

ALTER TABLE "sites" DROP CONSTRAINT "sites_longitude";

DROP INDEX "assets_organization_id_parent_id_id_index";

-- destroys data
ALTER TABLE "assets" DROP COLUMN "parent_id";

-- destroys data
ALTER TABLE "sites" DROP COLUMN "latitude";

-- destroys data
ALTER TABLE "sites" DROP COLUMN "longitude";
