import { Component, type ComponentChildren } from 'preact';
import { Problem } from './small';

interface State {
  readonly hasFailed: boolean;
}

/** What cannot be drawn does not take the rest of the page with it. A `key` of what is shown gives the next one its own chance. */
export class Boundary extends Component<{ children: ComponentChildren }, State> {
  override state: State = { hasFailed: false };

  static override getDerivedStateFromError(): State {
    return { hasFailed: true };
  }

  override render() {
    if (!this.state.hasFailed) return this.props.children;
    return <Problem text="This cannot be shown: the page stumbled over it." />;
  }
}
