// One install at a time per folder, across processes. The lock is a file that its holder touches
// while it works. A lock whose holder died (same machine) or fell silent is taken over.
import {
  linkSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const LOCK = ".install-lock";
const POLL_MS = 250;
const TOUCH_MS = 2_000;
// LIMIT: longer than a loaded machine may keep the holder's timer waiting.
const SILENCE_MS_MAX = 60_000;

/**
 * Runs `work` while no other process does so for the same directory.
 * @param {string} directory
 * @param {(line: string) => void} announce
 * @param {() => Promise<void>} work
 */
export async function withInstallLock(directory, announce, work) {
  const path = join(directory, LOCK);
  const own = JSON.stringify({ pid: process.pid, host: hostname(), key: Math.random() });
  await acquire(path, own, announce);
  const release = () => {
    if (read(path)?.content === own) rmSync(path, { force: true });
  };
  const touch = setInterval(() => touchLock(path), TOUCH_MS);
  process.on("exit", release);
  try {
    await work();
  } finally {
    clearInterval(touch);
    process.off("exit", release);
    release();
  }
}

/**
 * @param {string} path
 * @param {string} own
 * @param {(line: string) => void} announce
 */
async function acquire(path, own, announce) {
  let last = "";
  let unchangedSince = performance.now();
  let announced = false;
  while (!create(path, own)) {
    const lock = read(path);
    if (lock) {
      const state = `${lock.content} ${lock.touchedAt}`;
      if (state !== last) unchangedSince = performance.now();
      last = state;
      const silent = performance.now() - unchangedSince > SILENCE_MS_MAX;
      if (silent || holderIsDead(lock.content)) takeAway(path, lock.content);
      else if (!announced) {
        announce("Another process is installing dependencies; waiting for it…");
        announced = true;
      }
    }
    await sleep(POLL_MS);
  }
}

/**
 * @param {string} path
 * @param {string} content
 */
function create(path, content) {
  try {
    writeFileSync(path, content, { flag: "wx" });
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") return false;
    throw error;
  }
}

/** @param {string} path */
function read(path) {
  try {
    return { content: readFileSync(path, "utf8"), touchedAt: statSync(path).mtimeMs };
  } catch {
    return undefined;
  }
}

/** @param {string} path */
function touchLock(path) {
  try {
    const at = new Date();
    utimesSync(path, at, at);
  } catch {
    // The lock was taken away from us while we were stopped; the work itself can still end well.
  }
}

/** @param {string} content */
function holderIsDead(content) {
  try {
    const holder = JSON.parse(content);
    if (holder.host !== hostname()) return false;
    process.kill(holder.pid, 0);
    return false;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "ESRCH";
  }
}

/**
 * RACE: two waiters may find the same dead lock. Each moves the file aside under a name of its own;
 * whoever moved a lock that is not the dead one (the other's new one) puts it back.
 * @param {string} path
 * @param {string} dead
 */
function takeAway(path, dead) {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
    if (readFileSync(aside, "utf8") !== dead) linkSync(aside, path);
  } catch {
    // Someone else was faster; the next round sees what they left.
  }
  rmSync(aside, { force: true });
}
