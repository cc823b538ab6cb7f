drop trigger work_orders_number on work_orders;

drop function number_work_order();

-- destroys data
DROP TABLE "work_order_counters";

ALTER TABLE "work_orders" DROP CONSTRAINT "work_orders_organization_id_number_unique";

-- destroys data
ALTER TABLE "work_orders" DROP COLUMN "number";
