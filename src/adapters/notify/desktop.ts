import type { AlertMessage } from '../../ports/notifier.ts';

/** A program that shows a notification. What it shows travels as arguments or variables, never as part of a script. */
export interface DesktopCommand {
  readonly words: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** How this system shows a notification; null where there is no desktop to show it on. */
export function desktopCommand(
  message: AlertMessage,
  host: { readonly platform: NodeJS.Platform; readonly env: Readonly<Record<string, string | undefined>> },
): DesktopCommand | null {
  const title = `holdfast: ${message.title}`;
  const text = message.remedy === '' ? message.text : `${message.text}\n${message.remedy}`;
  if (host.platform === 'darwin') return { words: ['/usr/bin/osascript', ...appleScript, title, text] };
  if (host.platform === 'win32') {
    const words = ['powershell.exe', '-NoProfile', '-NonInteractive', '-Command', toastScript];
    return { words, env: { HOLDFAST_ALERT_TITLE: title, HOLDFAST_ALERT_TEXT: text } };
  }
  const isDesktop = ['DBUS_SESSION_BUS_ADDRESS', 'DISPLAY', 'WAYLAND_DISPLAY', 'XDG_RUNTIME_DIR'].some(
    (name) => (host.env[name] ?? '') !== '',
  );
  if (!isDesktop) return null;
  const urgency = message.severity === 'critical' ? 'critical' : 'normal';
  return { words: ['notify-send', '--app-name=holdfast', `--urgency=${urgency}`, '--', title, withoutMarkup(text)] };
}

/** Each line of the script behind an `-e`; what follows them are its arguments. */
const appleScript = [
  'on run argv',
  'display notification (item 2 of argv) with title (item 1 of argv)',
  'end run',
].flatMap((line) => ['-e', line]);

const toastScript = [
  "$ErrorActionPreference = 'Stop'",
  '[void][Windows.UI.Notifications.ToastNotificationManager, Windows.UI.Notifications, ContentType = WindowsRuntime]',
  '$xml = [Windows.UI.Notifications.ToastNotificationManager]::GetTemplateContent(1)',
  "$texts = $xml.GetElementsByTagName('text')",
  '[void]$texts.Item(0).AppendChild($xml.CreateTextNode($env:HOLDFAST_ALERT_TITLE))',
  '[void]$texts.Item(1).AppendChild($xml.CreateTextNode($env:HOLDFAST_ALERT_TEXT))',
  "[Windows.UI.Notifications.ToastNotificationManager]::CreateToastNotifier('holdfast').Show(" +
    '[Windows.UI.Notifications.ToastNotification]::new($xml))',
].join('; ');

/** The body of a notification may be read as markup. */
function withoutMarkup(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
