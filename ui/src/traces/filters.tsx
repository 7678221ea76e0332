import { useEffect, useId, useState } from 'preact/hooks';
import { OBSERVATION_TYPES } from '../parts/type-mark';
import { NO_FILTER, type TraceFilter } from '../route';

const DEBOUNCE_MS = 250;

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly placeholder?: string;
  readonly choices?: readonly string[];
  readonly class?: string;
}

/** Tells of what is typed when nothing more is typed for a moment. */
function TextField({ label, placeholder = label, value, onChange, choices, class: name }: FieldProps) {
  const [text, setText] = useState(value);
  const id = useId();
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return undefined;
    const timer = window.setTimeout(() => onChange(text.trim()), DEBOUNCE_MS);
    return () => window.clearTimeout(timer);
  }, [text]);
  return (
    <>
      <input
        class={name}
        type="search"
        aria-label={label}
        placeholder={placeholder}
        value={text}
        list={choices && id}
        spellcheck={false}
        autocomplete="off"
        onInput={(event) => setText(event.currentTarget.value)}
      />
      {choices && (
        <datalist id={id}>
          {choices.map((choice) => (
            <option key={choice} value={choice} />
          ))}
        </datalist>
      )}
    </>
  );
}

function Flag(props: { label: string; isOn: boolean; onChange: (isOn: boolean) => void }) {
  return (
    <label class="flag">
      <input type="checkbox" checked={props.isOn} onChange={(event) => props.onChange(event.currentTarget.checked)} />
      {props.label}
    </label>
  );
}

export const isFiltered = (filter: TraceFilter): boolean =>
  Object.entries(NO_FILTER).some(([field, none]) => filter[field as keyof TraceFilter] !== none);

export function Filters(props: {
  readonly filter: TraceFilter;
  readonly services: readonly string[];
  readonly onChange: (filter: TraceFilter) => void;
}) {
  const { filter, services, onChange } = props;
  const set = (change: Partial<TraceFilter>) => onChange({ ...filter, ...change });
  return (
    <search class="filters" aria-label="Filter the traces">
      <TextField
        class="filter-text"
        label="Text"
        placeholder="Search names and texts"
        value={filter.text}
        onChange={(text) => set({ text })}
      />
      <TextField label="Service" value={filter.service} choices={services} onChange={(service) => set({ service })} />
      <TextField label="Session" value={filter.session} onChange={(session) => set({ session })} />
      <TextField label="User" value={filter.user} onChange={(user) => set({ user })} />
      <select aria-label="Type" value={filter.type} onChange={(event) => set({ type: event.currentTarget.value })}>
        <option value="">All types</option>
        {OBSERVATION_TYPES.map((type) => (
          <option key={type} value={type}>
            {type}
          </option>
        ))}
      </select>
      <Flag label="Warnings" isOn={filter.warnings} onChange={(warnings) => set({ warnings })} />
      <Flag label="Rejected" isOn={filter.rejected} onChange={(rejected) => set({ rejected })} />
      {isFiltered(filter) && (
        <button type="button" class="button" onClick={() => onChange(NO_FILTER)}>
          Clear
        </button>
      )}
    </search>
  );
}
