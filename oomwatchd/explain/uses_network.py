"""Uses of memory: sockets and network drivers.

Source: net/, drivers/net/ of Linux 2.6.18 to 6.18, by the names that stand in stack dumps.
"""

from oomwatchd.explain.use import Use

USES = (
    Use(
        "wifi",
        "a wireless driver",
        "ath?k_* ath??k_* ath_* brcmf_* brcms_* b43_* b43legacy_* bcmdhd_* dhd_* mt76* mt76??_* "
        "mt7601u_* rt2x00* rt2??0* rt61* rt73* rt28* rt30* rtl_pci_* rtl_usb_* rtl92* rtl8180_* "
        "rtl8187_* rtl818x_* rtl8188* rtl8192* rtl8723* rtl88?? rtl88??_* rtl8xxxu_* rtw_* "
        "rtw88* rtw89* r8712* _rtl_* iwl_* iwlagn_* iwl3945_* iwl4965_* iwl_mvm_* il_* ipw* "
        "mwifiex_* wcn36xx_* wcn* carl9170_* zd_* zd1211* p54* libertas_* lbs_* wlcore_* "
        "wl1271_* wl12xx_* wl18xx_* ieee80211_* cfg80211_* nl80211_* rsi_* aic_* aicwf_* ssv_* "
        "xradio_* esp_sdio* hdd_* wlan_* htc_* ath6kl*",
    ),
    Use("modem", "a modem or a wireless chip", "mhi_* qmi_* wwan_* t7xx_* qrtr_*", 97),
    Use("unix_socket", "a message on a unix socket", "unix_stream_* unix_dgram_* unix_seqpacket_*"),
    Use("unix_socket", "a unix socket", "unix_create* unix_stream_connect unix_bind unix_accept"),
    Use(
        "netlink",
        "a netlink message",
        "netlink_* rtnl_* rtnetlink_* genl_* nlmsg_* __netlink_* rtmsg_* nfnetlink_* nfnl_* "
        "kobject_uevent* inet6_dump_* inet_dump_* sock_diag_* ctnetlink_*",
    ),
    Use(
        "packet_ring",
        "the ring of a packet socket (a capture, a DHCP client)",
        "packet_set_ring alloc_pg_vec* alloc_one_pg_vec_page",
    ),
    Use(
        "packet_socket",
        "a packet that a program sends raw",
        "packet_sendmsg* packet_snd packet_alloc_skb tpacket_snd raw_sendmsg rawv6_sendmsg",
    ),
    Use(
        "iptables",
        "rules of the packet filter (iptables)",
        "xt_alloc_* xt_* do_replace* __do_replace compat_do_replace do_ipt_* do_ip6t_* "
        "do_arpt_* do_ebt_* ipt_* ip6t_* arpt_* ebt_* translate_table* nf_tables_* nft_* "
        "__nf_tables_*",
    ),
    Use(
        "conntrack",
        "the table of connections (conntrack)",
        "nf_conntrack_* __nf_conntrack_* nf_ct_* init_conntrack* hashtable_init",
        90,
    ),
    Use("ipsec", "an encrypted packet (IPsec)", "xfrm_* esp_* esp6_* ah_* pfkey_*", 95),
    Use(
        "tun",
        "a packet of a tunnel (tun, ppp, wireguard)",
        "tun_* __tun_* tap_* macvtap_* ppp_* pppoe_* wg_* l2tp_* gre_* ipgre_* vxlan_*",
        95,
    ),
    Use(
        "tcp_send",
        "data that a program sends over TCP",
        "tcp_sendmsg* sk_stream_alloc_skb tcp_stream_alloc_skb tcp_send_* tcp_write_* "
        "tcp_fragment tcp_connect tcp_mtu_probe tso_fragment tcp_send_mss tcp_tasklet* "
        "__tcp_push_pending* tcp_v?_connect tcp_retransmit_* tcp_make_synack tcp_xmit_*",
    ),
    Use(
        "udp_send",
        "data that a program sends over UDP",
        "udp_sendmsg udpv6_sendmsg ip_append_data* __ip_append_data* ip6_append_data* "
        "__ip6_append_data* ip_make_skb ip6_make_skb ip_ufo_append_data ping_v?_sendmsg",
    ),
    Use(
        "tcp",
        "a TCP connection",
        "tcp_* inet_csk_* inet_twsk_alloc reqsk_* inet_reqsk_alloc sk_clone_lock* sk_prot_alloc "
        "sk_alloc inet_create inet6_create sk_clone inet_bind_*",
        75,
    ),
    Use(
        "network_transmit",
        "a packet that a network driver sends",
        "skb_copy skb_copy_expand skb_linearize __skb_linearize pskb_copy* __pskb_pull_tail "
        "pskb_expand_head skb_pad* __skb_pad dev_hard_start_xmit *_start_xmit* *_hard_xmit* "
        "*_tx_fixup skb_realloc_headroom skb_unshare skb_cow*",
        84,
    ),
    Use(
        "network_receive",
        "a packet that a network driver receives",
        "__netdev_alloc_skb* netdev_alloc_* __netdev_alloc_* dev_alloc_skb __dev_alloc_skb "
        "napi_alloc_* __napi_alloc_* napi_get_frags __dev_alloc_page* page_pool_* __page_pool_* "
        "napi_build_skb rx_submit rx_alloc_submit usbnet_* build_skb *_rx_skb* *_alloc_rx_* "
        "*_rx_refill* *_refill_rx* *_rx_interrupt *_rx_poll* *_rx_clean*",
        82,
    ),
    Use(
        "network_receive",
        "a packet that a network driver receives",
        "*_poll_rx* *_poll *_napi *_rx_* *_rx net_rx_action process_backlog __napi_poll "
        "*_napi_poll* netif_receive_skb* __netif_receive_skb* ip_rcv* napi_gro_receive",
        65,
    ),
    Use(
        "socket_buffer",
        "data that is sent on a socket",
        "sock_alloc_send_skb sock_alloc_send_pskb alloc_skb_with_frags sk_page_frag_refill "
        "skb_page_frag_refill sock_wmalloc sock_sendmsg sk_stream_* ____sys_sendmsg",
        76,
    ),
    Use(
        "socket_buffer",
        "a buffer for a packet",
        "__alloc_skb alloc_skb __kmalloc_reserve* kmalloc_reserve* skb_clone skb_copy_ubufs "
        "page_frag_alloc* __page_frag_* alloc_skb_fclone skb_segment skb_ensure_writable",
        72,
    ),
    Use(
        "socket",
        "a socket",
        "sock_alloc sock_create* __sock_create sys_socket __sys_socket sys_accept* "
        "__sys_accept* do_accept inet_accept sock_kmalloc sock_alloc_file",
        74,
    ),
    Use(
        "network_setup",
        "setting up a network interface",
        "dev_open __dev_open dev_change_flags register_netdev* alloc_netdev* alloc_etherdev* "
        "devinet_ioctl dev_ioctl *_ndo_open alloc_netdev_mqs dev_ifsioc",
        68,
    ),
    Use(
        "network",
        "the network",
        "ip_* ip6_* ipv6_* inet_* inet6_* fib_* neigh_* __neigh_* arp_* ndisc_* icmp_* "
        "dst_alloc rt_* ip6_dst_alloc dev_queue_xmit __dev_queue_xmit igmp_* mld_* sctp_* "
        "dccp_* br_* vlan_* bond_* tipc_* can_* bt_* l2cap_* hci_* rfcomm_*",
        58,
    ),
)
