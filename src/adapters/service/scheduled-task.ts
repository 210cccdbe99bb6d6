import type { ServiceSpec } from '../../ports/service-manager.ts';
import { escapeXml } from './escape-xml.ts';

/** The task of a vault's watcher, for the Task Scheduler. It knows no environment: variables come from the user's own. */
export function scheduledTask({ words, vaultName }: ServiceSpec, options: { user: string }): string {
  const [program, ...args] = words;
  const user = escapeXml(options.user);
  return `<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.4" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>${escapeXml(`holdfast watches ${vaultName.replaceAll(/\p{Cc}/gu, ' ')}`)}</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger><Enabled>true</Enabled><UserId>${user}</UserId></LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>${user}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>7</Priority>
    <RestartOnFailure><Interval>PT1M</Interval><Count>999</Count></RestartOnFailure>
    <Hidden>true</Hidden>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>${escapeXml(program!)}</Command>
      <Arguments>${escapeXml(args.map(quoteArgument).join(' '))}</Arguments>
    </Exec>
  </Actions>
</Task>
`;
}

/** As programs on Windows take their command line apart: backslashes count only before a quote. */
function quoteArgument(word: string): string {
  if (/^[\w:./=-]+$/.test(word)) return word;
  return `"${word.replaceAll(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1')}"`;
}
