// Tells that files have changed: once for many changes that come together, as editors make them.
import { existsSync, type FSWatcher, watch } from "node:fs";
import { join } from "node:path";

// LIMIT: an editor's rename and write, or a checkout of some files, are one change.
const SETTLE_MS = 40;

export class FileWatcher {
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #isOfInterest: (path: string) => boolean;
  readonly #onChange: () => void;
  #settling: NodeJS.Timeout | undefined;

  constructor(isOfInterest: (path: string) => boolean, onChange: () => void) {
    this.#isOfInterest = isOfInterest;
    this.#onChange = onChange;
  }

  /** Watches folders, but not what is below them; those watched already stay so. */
  watch(folders: Iterable<string>): void {
    for (const folder of folders) {
      if (this.#watchers.has(folder)) continue;
      try {
        const watcher = watch(folder, (_event, name) => this.#changed(folder, name));
        watcher.on("error", () => this.#forget(folder)); // The folder is gone.
        this.#watchers.set(folder, watcher);
      } catch {
        // Not there yet: watched when something in it is loaded.
      }
    }
  }

  close(): void {
    clearTimeout(this.#settling);
    for (const folder of [...this.#watchers.keys()]) this.#forget(folder);
  }

  #changed(folder: string, name: string | null): void {
    // One that comes back under its name is another folder, which nobody watches yet.
    if (!existsSync(folder)) this.#forget(folder);
    if (name !== null && !this.#isOfInterest(join(folder, name))) return;
    clearTimeout(this.#settling);
    this.#settling = setTimeout(this.#onChange, SETTLE_MS);
  }

  #forget(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }
}
