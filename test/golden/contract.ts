// The API of work-orders.
// Made by `backwright client`; not edited by hand. To use it:
//
//   import { createClient } from "backwright/client";
//   const client = createClient<Api>({ url, key });

export interface Api {
  assets: {
    fields: {
      id: string;
      siteId: string;
      name: string;
      serialNumber: string | null;
      createdAt: string;
      updatedAt: string;
      version: number;
    };
    write: {
      siteId?: string;
      name?: string;
      serialNumber?: string | null;
    };
    links: {
      site: { to: "sites"; optional: false };
      workOrders: { to: "workOrders"; many: true };
    };
    actions: Record<never, never>;
    aggregates: undefined;
  };
  categories: {
    fields: {
      id: string;
      name: string;
      createdAt: string;
      updatedAt: string;
      version: number;
    };
    write: {
      name?: string;
    };
    links: Record<never, never>;
    actions: Record<never, never>;
    aggregates: undefined;
  };
  sites: {
    fields: {
      id: string;
      name: string;
      address: string | null;
      isPublic: boolean;
      createdAt: string;
      updatedAt: string;
      version: number;
    };
    write: {
      name?: string;
      address?: string | null;
      isPublic?: boolean;
    };
    links: Record<never, never>;
    actions: Record<never, never>;
    aggregates: undefined;
  };
  teams: {
    fields: {
      id: string;
      name: string;
      createdAt: string;
      updatedAt: string;
      version: number;
    };
    write: {
      name?: string;
    };
    links: {
      members: { to: "users"; many: true };
    };
    actions: Record<never, never>;
    aggregates: undefined;
  };
  users: {
    fields: {
      id: string;
      name: string;
      email: string;
      phone: string | null;
      createdAt: string;
      updatedAt: string;
      version: number;
    };
    write: {
      name?: string;
      email?: string;
      phone?: string | null;
    };
    links: Record<never, never>;
    actions: Record<never, never>;
    aggregates: undefined;
  };
  workOrders: {
    fields: {
      id: string;
      externalId: string | null;
      title: string;
      description: string | null;
      status: "open" | "assigned" | "in_progress" | "on_hold" | "done" | "cancelled";
      priority: "low" | "normal" | "high" | "urgent";
      siteId: string;
      assetId: string | null;
      categoryId: string | null;
      teamId: string | null;
      assigneeId: string | null;
      requesterId: string;
      internalNotes: string | null;
      reportedAt: string;
      dueAt: string | null;
      closedAt: string | null;
      createdAt: string;
      updatedAt: string;
      version: number;
    };
    write: {
      externalId?: string | null;
      title?: string;
      description?: string | null;
      status?: "open" | "assigned" | "in_progress" | "on_hold" | "done" | "cancelled";
      priority?: "low" | "normal" | "high" | "urgent";
      siteId?: string;
      assetId?: string | null;
      categoryId?: string | null;
      teamId?: string | null;
      assigneeId?: string | null;
      requesterId?: string;
      internalNotes?: string | null;
      reportedAt?: string;
      dueAt?: string | null;
      closedAt?: string | null;
    };
    links: {
      site: { to: "sites"; optional: false };
      asset: { to: "assets"; optional: true };
      category: { to: "categories"; optional: true };
      team: { to: "teams"; optional: true };
      assignee: { to: "users"; optional: true };
      requester: { to: "users"; optional: false };
    };
    actions: {
      assign: {
        input: { technicianId: string };
        output: "the record";
      };
      start: {
        input: undefined;
        output: "the record";
      };
      complete: {
        input: { note?: string | undefined };
        output: { id: string; closedAt: string };
      };
    };
    aggregates: {
      groupBy:
        | "status"
        | "priority"
        | "siteId"
        | "categoryId"
        | "teamId"
        | "assigneeId"
        | "reportedAt"
        | "reportedAt.day"
        | "reportedAt.week"
        | "reportedAt.month"
        | "reportedAt.quarter"
        | "reportedAt.year"
        | "closedAt"
        | "closedAt.day"
        | "closedAt.week"
        | "closedAt.month"
        | "closedAt.quarter"
        | "closedAt.year";
      sum: never;
      avg: never;
      min:
        | "reportedAt"
        | "dueAt";
      max:
        | "reportedAt"
        | "closedAt";
    };
  };
}
