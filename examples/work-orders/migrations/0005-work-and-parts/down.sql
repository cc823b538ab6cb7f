ALTER TABLE "parts_used" DROP CONSTRAINT "parts_used_qnNZafGST6GL_fkey";

ALTER TABLE "work_orders" DROP CONSTRAINT "work_orders_0yeGSPr1AfMW_fkey";

-- destroys data
DROP TABLE "checklist_items";

-- destroys data
DROP TABLE "comments";

-- destroys data
DROP TABLE "parts";

-- destroys data
DROP TABLE "parts_used";

-- destroys data
ALTER TABLE "work_orders" DROP COLUMN "location";

-- destroys data
ALTER TABLE "work_orders" DROP COLUMN "skill_id";

-- destroys data
ALTER TABLE "work_orders" DROP COLUMN "reason";

-- destroys data
ALTER TABLE "work_orders" DROP COLUMN "held_at";
