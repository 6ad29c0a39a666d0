/** The identity store of the address, which every screen of a store is about. */
import { useParams } from 'wouter'

export function useStorePath(): { readonly identity_store_id: string } {
  return { identity_store_id: useParams<{ store: string }>().store }
}
