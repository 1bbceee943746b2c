// What the web interface uses of Preact, hooks, htm and signals, as one module.
import { h, render, Fragment, createContext } from "preact";
import { useContext, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { batch, computed, effect, signal, untracked } from "@preact/signals";
import htm from "htm";

const html = htm.bind(h);

export {
  h, render, Fragment, createContext, html,
  useContext, useEffect, useId, useLayoutEffect, useMemo, useRef, useState,
  batch, computed, effect, signal, untracked,
};
