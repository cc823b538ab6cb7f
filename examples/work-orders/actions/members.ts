// Membership is a table of its own that no resource serves: actions write it through Drizzle.
import { BackwrightError } from "backwright";
import { and, eq } from "drizzle-orm";
import { z } from "zod";
import { action } from "../domain.ts";
import { teamMembers, users } from "../schema.ts";

const input = z.object({ userId: z.uuid() });

export const addMember = action("teams", {
  input,
  access: ["manager"],
  async run({ record, input: { userId }, actor, tx }) {
    const [user] = await tx.select({ id: users.id }).from(users).where(eq(users.id, userId));
    if (user === undefined) {
      const details = [{ field: "userId", message: "is nobody of the organization" }];
      throw new BackwrightError("INVALID_REFERENCE", { details });
    }
    const member = { organizationId: actor.tenantId, teamId: record.id, userId };
    await tx.insert(teamMembers).values(member).onConflictDoNothing();
  },
});

export const removeMember = action("teams", {
  input,
  access: ["manager"],
  async run({ record, input: { userId }, tx }) {
    await tx
      .delete(teamMembers)
      .where(and(eq(teamMembers.teamId, record.id), eq(teamMembers.userId, userId)));
  },
});
