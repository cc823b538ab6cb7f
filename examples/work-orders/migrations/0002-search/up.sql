create extension if not exists btree_gin;

create extension if not exists pg_trgm;

CREATE INDEX "work_orders_organization_id_title_index" ON "work_orders" USING gin ("organization_id","title" gin_trgm_ops);

CREATE INDEX "work_orders_search" ON "work_orders" USING gin ("organization_id",(setweight(to_tsvector('english', coalesce("title", '')), 'A') || setweight(to_tsvector('english', coalesce("description", '')), 'B')));
