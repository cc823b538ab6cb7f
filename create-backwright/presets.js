// What there is to start from. A preset is templates/base with its own files on top.

/**
 * @typedef {object} Preset
 * @property {string} about
 * @property {string} api the folder of backend.ts
 */

/** @type {Readonly<Record<string, Preset>>} */
export const PRESETS = {
  minimal: { about: "one resource, one file for each part", api: "." },
  "work-orders": { about: "the whole example: sites, assets, teams, work orders", api: "." },
  layered: { about: "src/ with models, routes, services and config", api: "src" },
  monorepo: { about: "apps/ and packages/ in npm workspaces", api: "apps/api" },
};
