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
      parentId: string | null;
      name: string;
      serialNumber: string | null;
      createdAt: string;
      updatedAt: string;
      version: number;
    };
    write: {
      siteId?: string;
      parentId?: string | null;
      name?: string;
      serialNumber?: string | null;
    };
    links: {
      site: { to: "sites"; optional: false };
      parent: { to: "assets"; optional: true };
      children: { to: "assets"; many: true };
      meters: { to: "meters"; many: true };
      schedules: { to: "schedules"; many: true };
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
  checklistItems: {
    fields: {
      id: string;
      workOrderId: string;
      position: number;
      text: string;
      isDone: boolean;
      createdAt: string;
      updatedAt: string;
      version: number;
    };
    write: {
      workOrderId?: string;
      position?: number;
      text?: string;
      isDone?: boolean;
    };
    links: {
      workOrder: { to: "workOrders"; optional: false };
    };
    actions: Record<never, never>;
    aggregates: undefined;
  };
  comments: {
    fields: {
      id: string;
      workOrderId: string;
      authorId: string;
      body: string;
      isInternal: boolean;
      createdAt: string;
      updatedAt: string;
      version: number;
    };
    write: {
      workOrderId?: string;
      authorId?: string;
      body?: string;
      isInternal?: boolean;
    };
    links: {
      workOrder: { to: "workOrders"; optional: false };
      author: { to: "users"; optional: false };
    };
    actions: Record<never, never>;
    aggregates: undefined;
  };
  meterReadings: {
    fields: {
      id: string;
      meterId: string;
      value: number;
      readAt: string;
      readerId: string;
      createdAt: string;
      updatedAt: string;
      version: number;
    };
    write: {
      meterId?: string;
      value?: number;
      readAt?: string;
      readerId?: string;
    };
    links: {
      meter: { to: "meters"; optional: false };
      reader: { to: "users"; optional: false };
    };
    actions: Record<never, never>;
    aggregates: {
      groupBy:
        | "meterId"
        | "readAt"
        | "readAt.day"
        | "readAt.week"
        | "readAt.month"
        | "readAt.quarter"
        | "readAt.year";
      sum: never;
      avg: "value";
      min:
        | "value"
        | "readAt";
      max:
        | "value"
        | "readAt";
    };
  };
  meters: {
    fields: {
      id: string;
      assetId: string;
      name: string;
      unit: string;
      createdAt: string;
      updatedAt: string;
      version: number;
    };
    write: {
      assetId?: string;
      name?: string;
      unit?: string;
    };
    links: {
      asset: { to: "assets"; optional: false };
      readings: { to: "meterReadings"; many: true };
    };
    actions: Record<never, never>;
    aggregates: undefined;
  };
  parts: {
    fields: {
      id: string;
      sku: string;
      name: string;
      stock: number;
      unitCost: string;
      createdAt: string;
      updatedAt: string;
      version: number;
    };
    write: {
      sku?: string;
      name?: string;
      stock?: number;
      unitCost?: string;
    };
    links: Record<never, never>;
    actions: Record<never, never>;
    aggregates: undefined;
  };
  partsUsed: {
    fields: {
      id: string;
      workOrderId: string;
      partId: string;
      quantity: number;
      taken: number;
      unitCost: string;
      cost: string | null;
      createdAt: string;
      updatedAt: string;
      version: number;
    };
    write: {
      workOrderId?: string;
      partId?: string;
      quantity?: number;
      taken?: number;
      unitCost?: string;
    };
    links: {
      workOrder: { to: "workOrders"; optional: false };
      part: { to: "parts"; optional: false };
    };
    actions: Record<never, never>;
    aggregates: {
      groupBy:
        | "workOrderId"
        | "partId"
        | "createdAt"
        | "createdAt.day"
        | "createdAt.week"
        | "createdAt.month"
        | "createdAt.quarter"
        | "createdAt.year";
      sum:
        | "cost"
        | "taken";
      avg: never;
      min: never;
      max: never;
    };
  };
  schedules: {
    fields: {
      id: string;
      assetId: string;
      title: string;
      intervalDays: number;
      nextDueOn: string;
      createdAt: string;
      updatedAt: string;
      version: number;
    };
    write: {
      assetId?: string;
      title?: string;
      intervalDays?: number;
      nextDueOn?: string;
    };
    links: {
      asset: { to: "assets"; optional: false };
    };
    actions: {
      issue: {
        input: undefined;
        output: { workOrderId: string; nextDueOn: string };
      };
    };
    aggregates: undefined;
  };
  sites: {
    fields: {
      id: string;
      name: string;
      address: string | null;
      latitude: number | null;
      longitude: number | null;
      isPublic: boolean;
      createdAt: string;
      updatedAt: string;
      version: number;
    };
    write: {
      name?: string;
      address?: string | null;
      latitude?: number | null;
      longitude?: number | null;
      isPublic?: boolean;
    };
    links: Record<never, never>;
    actions: Record<never, never>;
    aggregates: undefined;
  };
  skills: {
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
    actions: {
      addMember: {
        input: { userId: string };
        output: "the record";
      };
      removeMember: {
        input: { userId: string };
        output: "the record";
      };
    };
    aggregates: undefined;
  };
  userSkills: {
    fields: {
      id: string;
      userId: string;
      skillId: string;
      createdAt: string;
      updatedAt: string;
      version: number;
    };
    write: {
      userId?: string;
      skillId?: string;
    };
    links: {
      user: { to: "users"; optional: false };
      skill: { to: "skills"; optional: false };
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
    links: {
      skills: { to: "skills"; many: true };
    };
    actions: Record<never, never>;
    aggregates: undefined;
  };
  workOrders: {
    fields: {
      id: string;
      number: number;
      externalId: string | null;
      title: string;
      description: string | null;
      status: "open" | "assigned" | "in_progress" | "on_hold" | "done" | "cancelled";
      priority: "low" | "normal" | "high" | "urgent";
      siteId: string;
      location: string | null;
      assetId: string | null;
      categoryId: string | null;
      skillId: string | null;
      teamId: string | null;
      assigneeId: string | null;
      requesterId: string;
      internalNotes: string | null;
      reason: string | null;
      reportedAt: string;
      dueAt: string | null;
      heldAt: string | null;
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
      location?: string | null;
      assetId?: string | null;
      categoryId?: string | null;
      skillId?: string | null;
      teamId?: string | null;
      assigneeId?: string | null;
      requesterId?: string;
      internalNotes?: string | null;
      reason?: string | null;
      reportedAt?: string;
      dueAt?: string | null;
      heldAt?: string | null;
      closedAt?: string | null;
    };
    links: {
      site: { to: "sites"; optional: false };
      asset: { to: "assets"; optional: true };
      category: { to: "categories"; optional: true };
      skill: { to: "skills"; optional: true };
      team: { to: "teams"; optional: true };
      assignee: { to: "users"; optional: true };
      requester: { to: "users"; optional: false };
      comments: { to: "comments"; many: true };
      checklist: { to: "checklistItems"; many: true };
      parts: { to: "partsUsed"; many: true };
    };
    actions: {
      assign: {
        input: { technicianId: string };
        output: "the record";
      };
      prioritize: {
        input: { priority: "low" | "normal" | "high" | "urgent" };
        output: "the record";
      };
      start: {
        input: undefined;
        output: "the record";
      };
      hold: {
        input: { reason: string };
        output: "the record";
      };
      complete: {
        input: { note?: string | undefined };
        output: { id: string; closedAt: string; partsTaken: number };
      };
      cancel: {
        input: { reason: string };
        output: "the record";
      };
      reopen: {
        input: { reason: string };
        output: "the record";
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
