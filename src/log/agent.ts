/** Something that sleeps when it has nothing to do: a member of the log, or the sequencer. */
export interface Sleeper {
  wakeUp(): void;
  /** Says "asleep" and looks once more. False, and awake, where there is something to do after all. */
  fallAsleep(): boolean;
}

/**
 * Takes turns: a step, and then either sleep until a bell rings or another turn. Between two turns the process's
 * other events have their chance, so a fast writer cannot keep a reader in one callback for ever.
 */
export class AgentLoop {
  readonly #step: () => void;
  readonly #sleepers: readonly Sleeper[];
  readonly #defer: (callback: () => void) => void;
  #scheduled = false;
  #stopped = false;

  /** @param defer calls back soon, after the events that are waiting now (setImmediate) */
  constructor(step: () => void, sleepers: readonly Sleeper[], defer: (callback: () => void) => void) {
    this.#step = step;
    this.#sleepers = sleepers;
    this.#defer = defer;
  }

  /** A bell rang, or there is something to do: takes a turn now. */
  turn(): void {
    if (this.#stopped || this.#scheduled) return;
    for (const sleeper of this.#sleepers) sleeper.wakeUp();
    this.#step();
    // The step may have been the last one, after which the memory is gone.
    if (this.#stopped) return;
    for (const sleeper of this.#sleepers) {
      if (sleeper.fallAsleep()) continue;
      this.#schedule();
      return;
    }
  }

  /** Takes a turn soon. For events that come in crowds: many of them, one turn. */
  soon(): void {
    if (!this.#scheduled && !this.#stopped) this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
  }

  #schedule(): void {
    this.#scheduled = true;
    this.#defer(() => {
      this.#scheduled = false;
      this.turn();
    });
  }
}
