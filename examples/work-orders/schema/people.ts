// Who works: users, the teams that they are members of, and what they have learned.
import { id, tracked } from "backwright";
import { foreignKey, index, pgTable, primaryKey, text, unique, uuid } from "drizzle-orm/pg-core";
import { organizationId } from "./organizations.ts";

export const users = pgTable(
  "users",
  {
    organizationId: organizationId(),
    id: id(),
    name: text().notNull(),
    email: text().notNull(),
    phone: text(),
    ...tracked(),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.id] }),
    unique().on(t.organizationId, t.email),
    index().on(t.organizationId, t.name, t.id),
  ],
);

export const teams = pgTable(
  "teams",
  {
    organizationId: organizationId(),
    id: id(),
    name: text().notNull(),
    ...tracked(),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.id] }),
    unique().on(t.organizationId, t.name),
    index().on(t.organizationId, t.name, t.id),
  ],
);

export const teamMembers = pgTable(
  "team_members",
  {
    organizationId: organizationId(),
    teamId: uuid("team_id").notNull(),
    userId: uuid("user_id").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.teamId, t.userId] }),
    foreignKey({
      columns: [t.organizationId, t.teamId],
      foreignColumns: [teams.organizationId, teams.id],
    }),
    foreignKey({
      columns: [t.organizationId, t.userId],
      foreignColumns: [users.organizationId, users.id],
    }),
    index().on(t.organizationId, t.userId),
  ],
);

export const skills = pgTable(
  "skills",
  {
    organizationId: organizationId(),
    id: id(),
    name: text().notNull(),
    ...tracked(),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.id] }),
    unique().on(t.organizationId, t.name),
    index().on(t.organizationId, t.name, t.id),
  ],
);

export const userSkills = pgTable(
  "user_skills",
  {
    organizationId: organizationId(),
    id: id(),
    userId: uuid("user_id").notNull(),
    skillId: uuid("skill_id").notNull(),
    ...tracked(),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.id] }),
    unique().on(t.organizationId, t.userId, t.skillId),
    foreignKey({
      columns: [t.organizationId, t.userId],
      foreignColumns: [users.organizationId, users.id],
    }),
    foreignKey({
      columns: [t.organizationId, t.skillId],
      foreignColumns: [skills.organizationId, skills.id],
    }),
    index().on(t.organizationId, t.userId, t.id),
    index().on(t.organizationId, t.skillId, t.id),
  ],
);
