ALTER TABLE "tasks" DROP CONSTRAINT "tasks_company_id_companies_id_fkey";

-- destroys data
DROP TABLE "companies";

-- destroys data
DROP TABLE "tasks";
