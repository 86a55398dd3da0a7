/**
 * The attacker, in a process of its own, last in the queue for the processor unless its turns count. Is told which attack, answers with what came
 * of it, and ends, with all its sockets, with its parent.
 */
import { constants, setPriority } from 'node:os';

process.on('message', ({ file, target, terms }) => {
  if (!terms.isCounted) setPriority(constants.priority.PRIORITY_LOW);
  import(file)
    .then(({ attack }) => attack.run(target, terms))
    .then(
      (got) => process.send?.({ got }),
      (error) => process.send?.({ error: error.stack }),
    );
});
process.once('disconnect', () => process.exit(0));
