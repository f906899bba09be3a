/** Registered components, by the names that src/denghuo/application/components publishes. */
import type { Component } from 'vue'

export const registered: Readonly<Record<string, Component>> = {}
