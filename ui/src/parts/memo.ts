import { Component, type ComponentChild, type ComponentType, createElement } from 'preact';

/** Draws again only when a property is another one: what scrolls past stays as it is. */
export function memo<Props extends object>(draw: (props: Props) => ComponentChild): ComponentType<Props> {
  return class Memo extends Component<Props> {
    override shouldComponentUpdate(next: Readonly<Props>): boolean {
      const keys = new Set([...Object.keys(next), ...Object.keys(this.props)]) as Set<keyof Props>;
      return [...keys].some((key) => next[key] !== this.props[key]);
    }

    override render() {
      return createElement(draw, this.props as Props);
    }
  };
}
