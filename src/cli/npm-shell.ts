// npm starts programs through a shell and sends its signals to that shell alone, which dies of them
// and leaves the program behind: `npm run dev` and `npx backwright dev` would serve on, unseen.
const LOOK_MS = 500;

/** Calls `tell` once npm's shell is gone; never where npm did not start this process. */
export function onLostShell(tell: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const shell = process.ppid;
  const looking = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(looking);
    tell();
  }, LOOK_MS).unref();
}
