// What the demo data of an organization is made of.
export const ROLES = ["manager", "dispatcher", "technician", "requester", "viewer"] as const;
export type Role = (typeof ROLES)[number];

export interface Job {
  readonly title: string;
  readonly asset: string;
  readonly category: string;
  readonly reportedDaysAgo: number;
  readonly priority?: "low" | "normal" | "high" | "urgent";
  readonly location?: string;
  readonly skill?: string;
  readonly checklist?: readonly string[];
  /** Number of the part → how many are needed. */
  readonly parts?: Readonly<Record<string, number>>;
  readonly comment?: string;
  /** How far it has come. */
  readonly until: "open" | "assigned" | "in_progress" | "on_hold" | "done";
}

export interface Plan {
  readonly name: string;
  readonly timeZone: string;
  readonly people: Readonly<Record<Role, string>>;
  /** What the technician has learned. */
  readonly skills: readonly string[];
  readonly sites: readonly {
    readonly name: string;
    readonly address: string;
    readonly latitude: number;
    readonly longitude: number;
    readonly isPublic: boolean;
  }[];
  /** Assets by site, with what they are made of. */
  readonly assets: readonly (readonly [site: number, name: string, ...children: string[]])[];
  readonly meters: readonly {
    readonly asset: string;
    readonly name: string;
    readonly unit: string;
  }[];
  readonly readings: readonly number[];
  readonly schedules: readonly {
    readonly asset: string;
    readonly title: string;
    readonly intervalDays: number;
  }[];
  readonly parts: readonly {
    readonly sku: string;
    readonly name: string;
    readonly stock: number;
    readonly unitCost: string;
  }[];
  readonly jobs: readonly Job[];
}
