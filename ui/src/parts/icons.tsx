import type { ComponentChildren } from 'preact';

const drawn = (children: ComponentChildren) => (
  <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
    {children}
  </svg>
);

export const ChevronIcon = () => drawn(<path d="M6 4l4 4-4 4" />);
export const BackIcon = () => drawn(<path d="M10 3.5L5.5 8l4.5 4.5" />);
export const CopyIcon = () => drawn(<path d="M5.5 5.5h7v7h-7zM3.5 10.5v-7h7" />);
export const DoneIcon = () => drawn(<path d="M3.5 8.5l3 3 6-7" />);
export const PauseIcon = () => drawn(<path d="M5.5 4v8M10.5 4v8" />);
export const PlayIcon = () => drawn(<path d="M5.5 3.5v9l7-4.5z" />);
export const WarningIcon = () => drawn(<path d="M8 2.5l6 11H2zM8 6.5v3.2M8 11.4v.4" />);
export const RejectedIcon = () => drawn(<path d="M8 2a6 6 0 1 0 .01 0zM3.8 3.8l8.4 8.4" />);
export const RepairIcon = () =>
  drawn(<path d="M3 13l5-5M9.2 2.8a3 3 0 0 0 4 4l-2-.3-1.7-1.7zM8 8a3 3 0 0 1 1.200-5.200" />);
export const ErrorIcon = () => drawn(<path d="M8 2a6 6 0 1 0 .01 0zM8 5v3.600M8 10.800v.4" />);
export const OrphanIcon = () => drawn(<path d="M3 3v4.500h3M8 7.500h1.500M11.500 7.500H13M13 7.500v5.500" />);
export const SunIcon = () =>
  drawn(
    <path d="M8 5.200a2.800 2.800 0 1 0 .01 0zM8 1.500v1.500M8 13v1.500M1.500 8H3M13 8h1.500M3.400 3.400l1 1M11.600 11.600l1 1M12.600 3.400l-1 1M4.400 11.600l-1 1" />,
  );
export const MoonIcon = () => drawn(<path d="M13 9.500A5.500 5.500 0 0 1 6.500 3 5.500 5.500 0 1 0 13 9.500z" />);
export const AutoIcon = () =>
  drawn([<path d="M8 2.500a5.500 5.500 0 1 0 .01 0z" />, <path class="filled" d="M8 2.500a5.500 5.500 0 0 1 0 11z" />]);
