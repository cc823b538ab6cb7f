DROP INDEX "work_orders_organization_id_title_index";

DROP INDEX "work_orders_search";
