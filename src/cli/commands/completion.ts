import { HoldfastError } from '../../model/errors.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';

const shells = ['bash', 'zsh', 'fish', 'powershell'] as const;

export const command: Command = {
  name: 'completion',
  summary: 'print the completion script of a shell',
  description: [
    'Prints a script that teaches a shell to complete commands, flags and snapshot ids. bash needs the bash-completion package.',
  ],
  arguments: [{ name: '<shell>', summary: shells.join(', '), completes: 'shell' }],
  options: [],
  examples: [
    { command: 'source <(holdfast completion bash)', means: 'in ~/.bashrc' },
    { command: 'source <(holdfast completion zsh)', means: 'in ~/.zshrc, after compinit' },
    { command: 'holdfast completion fish | source', means: 'in ~/.config/fish/config.fish' },
    { command: 'holdfast completion powershell | Out-String | Invoke-Expression', means: 'in $PROFILE' },
  ],
  async run({ args, out }) {
    const shell = shells.find((known) => known === args[0]);
    if (shell === undefined) {
      throw new HoldfastError('flag_invalid', `There is no completion for ${JSON.stringify(args[0])}.`, {
        hint: `Choose one of: ${shells.join(', ')}`,
      });
    }
    const script = await scriptOf(shell);
    out.result({ command: 'completion', shell, script });
    if (!out.json) await out.bytes(Buffer.from(`${script}\n`));
    return exitCodes.ok;
  },
};

/** The library only prints its scripts. */
async function scriptOf(shell: (typeof shells)[number]): Promise<string> {
  const { script } = await import('@bomb.sh/tab');
  const { log } = console;
  const printed: string[] = [];
  console.log = (text: string) => printed.push(text);
  try {
    script(shell, 'holdfast', 'holdfast');
  } finally {
    console.log = log;
  }
  return printed.join('\n');
}
