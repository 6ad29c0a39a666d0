/**
 * Every component of Kumo that the console uses: with ui-globe.ts, the only file that imports it. One by one, since
 * the index of Kumo brings its charts along.
 */
export { Badge } from '@cloudflare/kumo/components/badge'
export { Banner } from '@cloudflare/kumo/components/banner'
export { Button } from '@cloudflare/kumo/components/button'
export { Checkbox } from '@cloudflare/kumo/components/checkbox'
export { ClipboardText } from '@cloudflare/kumo/components/clipboard-text'
export { Dialog } from '@cloudflare/kumo/components/dialog'
export { Empty } from '@cloudflare/kumo/components/empty'
export { Input, Textarea } from '@cloudflare/kumo/components/input'
export { LayerCard } from '@cloudflare/kumo/components/layer-card'
export { Loader } from '@cloudflare/kumo/components/loader'
export { Meter } from '@cloudflare/kumo/components/meter'
export { Select } from '@cloudflare/kumo/components/select'
export { SensitiveInput } from '@cloudflare/kumo/components/sensitive-input'
export { Sidebar } from '@cloudflare/kumo/components/sidebar'
export { Switch } from '@cloudflare/kumo/components/switch'
export { Table } from '@cloudflare/kumo/components/table'
export { Tabs } from '@cloudflare/kumo/components/tabs'
export { Toasty, useKumoToastManager } from '@cloudflare/kumo/components/toast'
export { TooltipProvider } from '@cloudflare/kumo/components/tooltip'
export { CSPProvider } from '@cloudflare/kumo/primitives/csp-provider'
