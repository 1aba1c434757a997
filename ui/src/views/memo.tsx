import { Component, type ComponentType, type FunctionComponent, h } from "preact";

/** A view that is drawn again only when one of its properties is another one. */
export function memo<P extends object>(view: FunctionComponent<P>): ComponentType<P> {
  return class extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const old = this.props as P;
      return (Object.keys(next) as (keyof P)[]).some((key) => old[key] !== next[key]);
    }

    override render() {
      return h(view, this.props as P & { children?: never });
    }
  };
}
