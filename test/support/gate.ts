/** Holds what the Worker does until a test lets it go on. */

const LOOK_AGAIN_MILLISECONDS = 1

/**
 * A place where the Worker waits, and a test waits for it to come. Both look again and again, each by timers of its own
 * request: a promise between them would have one go on as a part of the other (runner-context.ts).
 */
export class Gate {
  private isReached = false
  private isOpen = false

  /** For the Worker: comes to the gate, and waits until it is open. */
  async pass(): Promise<void> {
    this.isReached = true
    while (!this.isOpen) await scheduler.wait(LOOK_AGAIN_MILLISECONDS)
  }

  /** For the test: waits until somebody has come. */
  async reached(): Promise<void> {
    while (!this.isReached) await scheduler.wait(LOOK_AGAIN_MILLISECONDS)
  }

  open(): void {
    this.isOpen = true
  }
}
