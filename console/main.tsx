/** Starts the console. */
import './console.css'
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Router } from 'wouter'
import { App } from './app.tsx'
import { useHashLocation, useHashSearch } from './common/hash-location.ts'
import { Refusal } from './http.ts'
import { whoAmI } from './session.ts'
import { CSPProvider, Toasty, TooltipProvider } from './ui.ts'

const queries = new QueryClient({
  queryCache: new QueryCache({
    // Whose session has ended sees the form again, and after it the same screen.
    onError(error, { queryKey }) {
      const signedOut = error instanceof Refusal && error.status === 401
      if (signedOut && queryKey[0] !== whoAmI.queryKey[0]) void queries.invalidateQueries(whoAmI)
    },
  }),
  defaultOptions: {
    queries: {
      // A refusal stays one; who does not answer may answer the next time.
      retry: (failures, error) => !(error instanceof Refusal) && failures < 2,
      staleTime: 2_000,
    },
  },
})

// Kumo's colours follow this attribute, not the system's wish.
const dark = matchMedia('(prefers-color-scheme: dark)')
function followScheme() {
  document.documentElement.dataset.mode = dark.matches ? 'dark' : 'light'
}
followScheme()
dark.addEventListener('change', followScheme)

const root = document.getElementById('console')
if (root === null) throw new Error('The page has no place for the console.')
createRoot(root).render(
  <StrictMode>
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queries}>
        <TooltipProvider>
          <Toasty>
            <Router hook={useHashLocation} searchHook={useHashSearch}>
              <App />
            </Router>
          </Toasty>
        </TooltipProvider>
      </QueryClientProvider>
    </CSPProvider>
  </StrictMode>,
)
