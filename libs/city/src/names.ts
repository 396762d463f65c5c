/** Words of which the synthetic city is made. Invented for it; any likeness is by chance. */

/** Of people; of enterprises too. */
export const surnames = [
  ...'赵钱孙李周吴郑王冯陈蒋沈韩杨朱秦许何吕张孔曹严华金魏陶姜谢邹潘葛范彭鲁韦马方任袁柳史唐费薛雷贺汤罗',
];
/** Of people, behind a surname. */
export const givenNames = [
  '建国',
  '秀英',
  '志强',
  '桂兰',
  '文静',
  '晓东',
  '丽华',
  '国庆',
  '海燕',
  '永福',
  '春梅',
  '俊杰',
  '玉珍',
  '立新',
  '小红',
  '家豪',
  '雪梅',
  '德胜',
  '佳怡',
  '伟民',
  '思远',
  '淑芬',
  '振华',
  '美玲',
  '天佑',
  '雨桐',
  '长贵',
  '凤仙',
  '明亮',
  '子涵',
];
/** In the order in which districts are planned: there are as many districts as names. */
export const districtNames = ['临江区', '望岭区'];
/** Used in turn, again from the first when there are more streets. */
export const streetNames = ['城东街道', '河西街道', '南门街道', '北塘街道', '桂岭街道', '新园街道'];
/** Used in turn, again from the first when there are more communities. */
export const communityNames = [
  '灵峰社区',
  '姑婆山社区',
  '八步社区',
  '芳林社区',
  '建设社区',
  '光明社区',
  '前进社区',
  '爱民社区',
  '太白社区',
  '龙山社区',
  '贺江社区',
  '平桂社区',
];
/** Used in turn; a later round is told by its phase (`二期`). */
export const compoundNames = [
  '大修厂小区',
  '阳光花园',
  '江景苑',
  '供销社宿舍',
  '锦绣家园',
  '木材厂小区',
  '桃源居',
  '粮食局宿舍',
  '翠竹园',
  '东方明珠',
  '水泥厂小区',
  '书香苑',
  '金桂园',
];
/** Names of the organs of the city; a later round is numbered. */
export const organNames = [
  '市住房和城乡建设局',
  '市城市管理局',
  '市民政局',
  '市教育局',
  '市公安局',
  '市财政局',
  '市水利局',
  '市交通运输局',
  '市卫生健康委员会',
  '市市场监督管理局',
  '市自然资源局',
  '市生态环境局',
  '市文化广电体育和旅游局',
  '市人力资源和社会保障局',
  '市司法局',
  '市审计局',
  '市统计局',
  '市林业局',
  '市供电局',
  '市税务局',
];

/** A kind of thing residents order, with words for it. */
export interface Topic {
  readonly category: readonly string[];
  readonly texts: readonly string[];
  readonly done: readonly string[];
}

/** What residents order. Their categories are the categories of the city. */
export const topics: readonly Topic[] = [
  {
    category: ['小区设施', '楼道', '照明'],
    texts: ['三单元楼道灯坏了一个星期，老人晚上上下楼不安全。', '二楼声控灯一直不亮，请派人看看。'],
    done: ['已更换楼道灯两盏，晚上试过，亮了。', '线路接触不良，已修好。'],
  },
  {
    category: ['小区设施', '停车', '车位'],
    texts: ['消防通道上又停满了车，早上救护车差点进不来。', '希望把空地重新画一下车位，大家都有地方停。'],
    done: ['已和业委会一起劝离车辆，画了禁停线。', '空地已画线，新增车位八个。'],
  },
  {
    category: ['小区设施', '充电', '电动车充电桩'],
    texts: ['楼下充电桩坏了两个口，晚上排队充不上电。', '有人从五楼拉线给电动车充电，很危险。'],
    done: ['已联系运营方更换插口。', '已上门劝导并拆除飞线，建议增设充电桩。'],
  },
  {
    category: ['小区设施', '给排水', '下水道堵塞'],
    texts: ['五栋后面的化粪池又满了，味道很大。', '一下雨一楼厕所就返水，请帮忙疏通。'],
    done: ['已请疏通车清掏，管道恢复正常。', '主管道已疏通，下雨时会再来查看。'],
  },
  {
    category: ['环境卫生', '垃圾', '垃圾清运'],
    texts: ['垃圾桶两天没有清了，苍蝇很多。', '有人把旧沙发扔在楼下，占了过道。'],
    done: ['垃圾已清运，和环卫约定每天早晚各一次。', '大件垃圾已拉走。'],
  },
  {
    category: ['环境卫生', '绿化', '修剪树木'],
    texts: ['大榕树的枝条快伸进三楼窗户了。', '绿化带里的草长得比人高，蚊子多。'],
    done: ['树枝已修剪。', '绿化带已除草，喷了药。'],
  },
  {
    category: ['邻里', '噪声', '广场舞'],
    texts: ['晚上十点还有人在楼下放音响跳舞，孩子要中考。'],
    done: ['已和领舞的阿姨商量好，九点前结束，音量调小。'],
  },
  {
    category: ['邻里', '噪声', '装修'],
    texts: ['楼上中午一点还在打电钻，老人没法休息。'],
    done: ['已上门提醒，装修时间改到上午九点以后，中午停工。'],
  },
  {
    category: ['民生服务', '养老', '上门服务'],
    texts: ['我妈妈八十三岁一个人住，能不能帮忙换一下煤气管。', '老人腿脚不便，想请人帮忙理发。'],
    done: ['志愿者已上门更换煤气管并检查阀门。', '已联系理发师傅上门，约好每月一次。'],
  },
  {
    category: ['民生服务', '教育', '假期托管'],
    texts: ['暑假孩子没人带，社区能不能办个托管班。'],
    done: ['社区书屋周一到周五开放假期托管，已登记。'],
  },
  {
    category: ['公共安全', '消防', '灭火器'],
    texts: ['四栋的灭火器过期了，压力表在红区。'],
    done: ['已更换灭火器四具。'],
  },
  {
    category: ['公共安全', '道路', '路面破损'],
    texts: ['小区门口的井盖松了，车一过就响，怕有人掉下去。', '东门台阶缺了一块，下雨天容易摔倒。'],
    done: ['井盖已加固。', '台阶已修补，做了防滑条。'],
  },
];

/** Where something is, within a compound, as residents say it. */
export const places = [
  '三栋二单元',
  '东门岗亭旁',
  '五栋后面',
  '篮球场边',
  '一栋一楼',
  '车棚',
  '小区正门',
  '老年活动室',
];
/** Under which name residents order; empty is without one. */
export const displayNames = ['热心邻居', '陈阿姨', '住三楼的老李', '小雨妈妈', '', '', ''];
/** What handlers tell everybody while they work. */
export const progressNotes = ['已到现场看过，明天带材料来。', '师傅下午三点到，请留人。', '已联系物业一起处理。'];
/** What handlers tell each other. */
export const internalNotes = ['这户上个月也反映过，注意沟通。', '材料从街道仓库领。'];
/** Why a handler does not take a ticket on. */
export const declineReasons = ['人手在外地培训，本周回不来。'];
/** Why a ticket has to wait. */
export const suspendReasons = ['配件要从外地发货，到货后马上装。'];
/** What a resident says who is content; empty is nothing. */
export const remarks = ['很快，谢谢！', '师傅很耐心。', '修好了。', ''];
/** What a resident says who is not content and reopens the ticket. */
export const complaints = ['修了两天又坏了。', '没有人联系我就说办完了。'];
