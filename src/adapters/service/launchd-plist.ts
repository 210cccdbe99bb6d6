import type { ServiceSpec } from '../../ports/service-manager.ts';
import { escapeXml } from './escape-xml.ts';

/** The property list of a vault's watcher, for launchd. */
export function launchdPlist({ words, env }: ServiceSpec, options: { label: string; logFile: string }): string {
  const string = (text: string): string => `<string>${escapeXml(text)}</string>`;
  const variables = Object.entries(env).map(([name, value]) => `    <key>${escapeXml(name)}</key>${string(value)}`);
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- Written by: holdfast service install. Taken away by: holdfast service uninstall -->
<plist version="1.0">
<dict>
  <key>Label</key>${string(options.label)}
  <key>ProgramArguments</key>
  <array>
${words.map((word) => `    ${string(word)}`).join('\n')}
  </array>
  <key>EnvironmentVariables</key>
  <dict>
${variables.join('\n')}
  </dict>
  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key><false/>
  </dict>
  <key>ThrottleInterval</key><integer>30</integer>
  <key>ExitTimeOut</key><integer>30</integer>
  <key>ProcessType</key><string>Background</string>
  <key>LowPriorityIO</key><true/>
  <key>Umask</key><integer>63</integer>
  <key>StandardOutPath</key>${string(options.logFile)}
  <key>StandardErrorPath</key>${string(options.logFile)}
</dict>
</plist>
`;
}
